import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lockState } from "../../src/edge/state-lock.ts";
import { isAppError } from "../../src/kernel/errors.ts";
import { temporaryFolder } from "../support/journal-entries.ts";

const script = `
import { lockState } from ${JSON.stringify(new URL("../../dist/edge/state-lock.js", import.meta.url).href)};
lockState(process.argv[1]).then(
  () => { console.log("locked"); setInterval(() => undefined, 1000); },
  (error) => { console.log(error.code + " " + error.message); },
);`;

/** Another process that takes the lock and keeps it. */
async function other(folder: string): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

test("one process a folder; the refusal names the owner", async () => {
  const folder = join(await temporaryFolder(), "state");
  const lock = await lockState(folder);
  await expect(lockState(folder)).rejects.toMatchObject({ code: "state/locked" });
  expect((await other(folder)).said).toBe(`state/locked ${folder} is in use by process ${process.pid}`);
  await lock.release();
  await lock.release();
  expect(await readdir(folder)).toEqual([]);
  const { child, said } = await other(folder);
  expect(said).toBe("locked");
  const refused = await lockState(folder).catch((error: unknown) => error);
  expect(isAppError(refused, "state/locked") && refused.message).toContain(`process ${child.pid}`);
});

test("the lock of a killed process is taken over", async () => {
  const folder = await temporaryFolder();
  const { child } = await other(folder);
  await kill(child);
  const lock = await lockState(folder);
  expect((await readdir(folder)).length).toBe(1);
  await lock.release();
});

test("a process id given to another process, and an earlier boot, hold no lock", async () => {
  const folder = await temporaryFolder();
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  await writeFile(join(folder, `process-1-999999999999-${boot}.lock`), "");
  await writeFile(join(folder, `process-${process.ppid}-1-00000000-0000-0000-0000-000000000000.lock`), "");
  await writeFile(join(folder, "journal.log"), "");
  const lock = await lockState(folder);
  expect((await readdir(folder)).length).toBe(2);
  await lock.release();
  expect(await readdir(folder)).toEqual(["journal.log"]);
});

test("of several that start at once, at most one gets it", async () => {
  const folder = await temporaryFolder();
  for (let round = 0; round < 3; round++) {
    const all = await Promise.all(Array.from({ length: 4 }, () => other(folder)));
    expect(all.filter(({ said }) => said === "locked").length).toBeLessThanOrEqual(1);
    for (const { said } of all) expect(said).toMatch(/^(locked$|state\/locked )/);
    await Promise.all(all.filter(({ child }) => child.exitCode === null).map(({ child }) => kill(child)));
  }
  await (await lockState(folder)).release();
});

test("a folder that cannot be made is a coded error", async () => {
  const file = join(await temporaryFolder(), "file");
  await writeFile(file, "");
  await expect(lockState(join(file, "state"))).rejects.toMatchObject({ code: "state/folder" });
});
