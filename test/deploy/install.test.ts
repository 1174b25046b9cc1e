import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { hasProgram } from "../support/tools.ts";

const deploy = resolve(import.meta.dirname, "../../deploy");
const started = cleanUps();
/** npm takes seconds to start on a busy machine. */
const timeout = 180_000;

/** A clone of a small product that says its version, with a package of its own and one that only its developers need. */
async function smallClone(): Promise<{
  readonly clone: string;
  readonly root: string;
  readonly version: (next: string) => void;
}> {
  const folder = started(await mkdtemp(join(tmpdir(), "l2p-install-")), (one) => rm(one, { recursive: true }));
  const clone = join(folder, "clone");
  const write = (path: string, text: string): void => {
    mkdirSync(join(clone, path, ".."), { recursive: true });
    writeFileSync(join(clone, path), text);
  };
  const lock = (dev: boolean): object => ({ version: "1.0.0", ...(dev && { dev }) });
  function version(next: string): void {
    const meta = {
      name: "l2p-edge",
      version: next,
      dependencies: { kept: "1.0.0" },
      devDependencies: { dropped: "1.0.0" },
    };
    const packages = { "": meta, "node_modules/kept": lock(false), "node_modules/dropped": lock(true) };
    write("package.json", JSON.stringify({ ...meta, files: ["dist", "config", "models", "deploy"] }));
    write("package-lock.json", JSON.stringify({ name: "l2p-edge", version: next, lockfileVersion: 3, packages }));
    write("dist/cli/main.js", `#!/usr/bin/env node\nconsole.log("${next}");\n`);
  }
  version("1.0.0");
  write("dist/cli/main.js.map", "{}");
  write("LICENSE", "MIT");
  write("models/weights", "w");
  for (const name of ["kept", "dropped"])
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0" }));
  // What ONNX Runtime brings: libraries of this system and of others.
  for (const [place, machine] of [
    ["linux/x64", 0x3e],
    ["linux/arm64", 0xb7],
    ["darwin/arm64", 0],
  ] as const) {
    const elf = Buffer.alloc(64);
    elf.write("\x7fELF", 0, "latin1");
    elf.writeUInt16LE(machine, 18);
    mkdirSync(join(clone, "node_modules/onnxruntime-node/bin/napi-v6", place), { recursive: true });
    writeFileSync(join(clone, "node_modules/onnxruntime-node/bin/napi-v6", place, "onnxruntime_binding.node"), elf);
  }
  cpSync(deploy, join(clone, "deploy"), { recursive: true });
  return { clone, root: join(folder, "root"), version };
}

describe.skipIf(!hasProgram("bash") || process.platform !== "linux")("deploy/install.sh", () => {
  it(
    "installs, upgrades and goes back without touching state or configuration, and leaves nothing else",
    { timeout },
    async () => {
      const { clone, root, version } = await smallClone();
      const run = (...args: string[]): { status: number | null; text: string } => {
        const { status, stdout, stderr } = spawnSync("bash", [join(clone, "deploy/install.sh"), ...args], {
          env: { PATH: process.env["PATH"], HOME: root, DESTDIR: root },
          encoding: "utf8",
        });
        return { status, text: stdout + stderr };
      };
      const said = (): string =>
        execFileSync(process.execPath, [join(root, "opt/l2p-edge/current/dist/cli/main.js")], {
          encoding: "utf8",
        }).trim();
      const state = join(root, "var/lib/l2p-edge");

      expect(run().text).toMatch(/^install: 1\.0\.0-[0-9a-f]{8}\n$/);
      expect(said()).toBe("1.0.0");
      const current = join(root, "opt/l2p-edge/current");
      expect(readdirSync(join(current, "node_modules")).filter((name) => !name.startsWith("."))).toContain("kept");
      expect(existsSync(join(current, "node_modules/dropped"))).toBe(false);
      expect(existsSync(join(current, "dist/cli/main.js.map"))).toBe(false);
      const unit = readFileSync(join(root, "etc/systemd/system/l2p-edge.service"), "utf8");
      expect(unit).toMatch(
        /^ExecStart=\/\S+\/node --max-semi-space-size=2 \/opt\/l2p-edge\/current\/dist\/cli\/main\.js run --config/m,
      );
      expect(readlinkSync(join(root, "usr/local/bin/l2p-edge"))).toBe("/opt/l2p-edge/current/dist/cli/main.js");

      // Again: nothing changes.
      const inode = lstatSync(current).ino;
      expect(run().text).toContain("is installed already");
      expect(lstatSync(current).ino).toBe(inode);
      expect(run("rollback")).toMatchObject({ status: 1, text: "install: there is no version before\n" });

      // An upgrade keeps what the administrator wrote and what the box learned.
      writeFileSync(join(root, "etc/l2p-edge/config.yaml"), "# mine\n");
      mkdirSync(state, { recursive: true });
      writeFileSync(join(state, "learned"), "old");
      version("2.0.0");
      expect(run()).toMatchObject({ status: 0 });
      expect(said()).toBe("2.0.0");
      expect(readFileSync(join(root, "etc/l2p-edge/config.yaml"), "utf8")).toBe("# mine\n");
      writeFileSync(join(state, "learned"), "new");

      // Back, with what was learned since; forth again; back with the state of before.
      expect(run("rollback").status).toBe(0);
      expect([said(), readFileSync(join(state, "learned"), "utf8")]).toEqual(["1.0.0", "new"]);
      expect(run("rollback").status).toBe(0);
      expect(said()).toBe("2.0.0");
      expect(run("rollback", "--state").status).toBe(0);
      expect([said(), readFileSync(join(state, "learned"), "utf8")]).toEqual(["1.0.0", "old"]);
      expect(readFileSync(join(`${state}.after`, "learned"), "utf8")).toBe("new");

      // Only two versions are kept.
      version("3.0.0");
      expect(run().status).toBe(0);
      expect(readdirSync(join(root, "opt/l2p-edge/versions")).map((name) => name.split("-")[0])).toEqual([
        "1.0.0",
        "3.0.0",
      ]);

      expect(run("uninstall").status).toBe(0);
      expect([existsSync(join(root, "opt/l2p-edge")), existsSync(state)]).toEqual([false, true]);
      expect(run("uninstall", "--purge").status).toBe(0);
      const left = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("l2p-edge"));
      expect(left).toEqual([]);
      expect(run("nonsense")).toMatchObject({ status: 1 });
    },
  );

  it("changes nothing where the new version does not run", { timeout }, async () => {
    const { clone, root, version } = await smallClone();
    const run = (): number | null =>
      spawnSync("bash", [join(clone, "deploy/install.sh")], { env: { ...process.env, DESTDIR: root } }).status;
    expect(run()).toBe(0);
    const before = readlinkSync(join(root, "opt/l2p-edge/current"));
    version("2.0.0");
    writeFileSync(join(clone, "dist/cli/main.js"), "import 'a package that is missing';\n");
    expect(run()).toBe(1);
    expect(readlinkSync(join(root, "opt/l2p-edge/current"))).toBe(before);
  });
});

const hasDpkg = hasProgram("dpkg-deb") && hasProgram("dpkg");

describe.skipIf(!hasDpkg || process.platform !== "linux")("deploy/debian/build.sh (needs dpkg)", () => {
  it.each(["amd64", "arm64"])(
    "packs %s, with files of that machine alone, that dpkg installs and removes",
    { timeout },
    async (arch) => {
      const { clone, root } = await smallClone();
      // The registry is not asked in a test: npm leaves the packages of the clone.
      const bin = join(clone, "../bin");
      mkdirSync(bin);
      const real = execFileSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim();
      const fake = `#!/bin/sh\ncase $1 in install) cp -r '${clone}/node_modules' . ;; *) exec '${real}' "$@" ;; esac\n`;
      writeFileSync(join(bin, "npm"), fake);
      await chmod(join(bin, "npm"), 0o755);
      const env = {
        ...process.env,
        PATH: `${bin}:${process.env["PATH"]}`,
        L2P_EDGE_DEB_COMPRESSION: "none",
        SOURCE_DATE_EPOCH: "1700000000",
      };
      const build = (): string =>
        execFileSync("bash", [join(clone, "deploy/debian/build.sh"), arch, clone], {
          env,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }).trim();
      const deb = build();
      const bytes = readFileSync(deb);
      expect(readFileSync(build()).equals(bytes)).toBe(true);

      const field = (name: string): string => execFileSync("dpkg-deb", ["-f", deb, name], { encoding: "utf8" }).trim();
      expect([field("Package"), field("Version"), field("Architecture")]).toEqual(["l2p-edge", "1.0.0", arch]);
      const listed = execFileSync("dpkg-deb", ["-c", deb], { encoding: "utf8" });
      const place = arch === "amd64" ? "linux/x64" : "linux/arm64";
      expect([...listed.matchAll(/napi-v6\/(\S+)\/onnxruntime_binding/g)].map(([, found]) => found)).toEqual([place]);
      expect(listed).toMatch(/\.\/usr\/bin\/l2p-edge -> \.\.\/lib\/l2p-edge\/dist\/cli\/main\.js/);

      if (process.getuid?.() !== 0) return;
      // Into a root folder of its own, whose scripts are not run: a test starts no services.
      for (const part of ["updates", "info"]) mkdirSync(join(root, "var/lib/dpkg", part), { recursive: true });
      for (const name of ["status", "available"]) writeFileSync(join(root, "var/lib/dpkg", name), "");
      execFileSync("dpkg-deb", ["-R", deb, join(root, "raw")]);
      for (const script of ["postinst", "prerm", "postrm"]) await rm(join(root, "raw/DEBIAN", script));
      const plain = join(root, "plain.deb");
      execFileSync("dpkg-deb", ["-Znone", "-b", join(root, "raw"), plain], { stdio: "ignore" });
      await rm(join(root, "raw"), { recursive: true });
      const dpkg = (...args: string[]): void =>
        void execFileSync(
          "dpkg",
          [`--root=${root}`, "--force-depends", "--force-architecture", "--log=/dev/null", ...args],
          { stdio: "ignore" },
        );
      dpkg("-i", plain);
      expect(execFileSync(process.execPath, [join(root, "usr/bin/l2p-edge")], { encoding: "utf8" })).toBe("1.0.0\n");
      expect(readFileSync(join(root, "lib/systemd/system/l2p-edge.service"), "utf8")).toContain(
        " /usr/lib/l2p-edge/dist/cli/main.js run ",
      );
      dpkg("-r", "l2p-edge");
      expect([existsSync(join(root, "usr/lib/l2p-edge")), existsSync(join(root, "etc/l2p-edge/config.yaml"))]).toEqual([
        false,
        true,
      ]);
      dpkg("-P", "l2p-edge");
      expect(existsSync(join(root, "etc/l2p-edge"))).toBe(false);
    },
  );
});
