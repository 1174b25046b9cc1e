import { spawn } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { tellProvider, whileWarming } from "../../src/app/warm-up.ts";
import { systemd } from "../../src/edge/systemd.ts";
import { hasProgram } from "../support/tools.ts";

describe("a start that takes long", () => {
  it("asks systemd for more time again and again, until it ends", async () => {
    vi.useFakeTimers();
    const sent: string[] = [];
    const notify = systemd({ env: { NOTIFY_SOCKET: "@test" }, send: async (state) => void sent.push(state) });
    let build: (() => void) | undefined;
    const built = whileWarming(notify, "the backbone", () => new Promise<void>((resolve) => (build = resolve)), 1000);
    await vi.advanceTimersByTimeAsync(2500);
    expect(sent.filter((state) => state === "EXTEND_TIMEOUT_USEC=3000000")).toHaveLength(3);
    expect(sent.filter((state) => /^STATUS=warming: the backbone, \d+ s$/.test(state))).toHaveLength(3);
    build!();
    await built;
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toHaveLength(6);
    vi.useRealTimers();
  });

  it("stops asking when it fails", async () => {
    const sent: string[] = [];
    const notify = { extendTimeout: async () => void sent.push("more"), status: async () => {} };
    await expect(whileWarming(notify, "it", () => Promise.reject(new Error("no")), 10)).rejects.toThrow("no");
    await new Promise((wait) => setTimeout(wait, 50));
    expect(sent).toHaveLength(1);
  });

  it.skipIf(!hasProgram("systemd-notify") || !hasProgram("python3"))(
    "is heard on a real datagram socket (needs systemd-notify and python3)",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "l2p-notify-"));
      const [path, record] = [join(folder, "socket"), join(folder, "record")];
      const listen = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); f=open(sys.argv[2],"ab",0)
while True: f.write(s.recv(4096)+b"\\n")`;
      const listener = spawn("python3", ["-c", listen, path, record]);
      vi.stubEnv("NOTIFY_SOCKET", path);
      try {
        await vi.waitFor(() => access(path), { timeout: 60_000, interval: 50 });
        const heard = async (): Promise<string> => readFile(record, "utf8");
        // An engine whose building ends when systemd was asked twice.
        const engine = async (): Promise<string> => {
          await vi.waitFor(
            async () => expect((await heard()).match(/EXTEND_TIMEOUT_USEC=1500000/g)?.length).toBeGreaterThan(1),
            { timeout: 60_000, interval: 50 },
          );
          return "built";
        };
        expect(await whileWarming(systemd(), "the backbone", engine, 500)).toBe("built");
        expect(await heard()).toContain("STATUS=warming: the backbone, ");
      } finally {
        vi.unstubAllEnvs();
        listener.kill();
        await rm(folder, { recursive: true });
      }
    },
  );
});

describe("the provider that runs", () => {
  it("is told with those that were refused, and what else it says as a warning", () => {
    const told: string[] = [];
    const report = { engine: "onnx", provider: "tensorrt", refused: [{ provider: "cuda", reason: "absent" }] };
    tellProvider({ ...report, notes: ["nothing is kept"] }, (level, message) => told.push(`${level} ${message}`));
    tellProvider({ ...report, refused: [] }, (level, message) => told.push(`${level} ${message}`));
    expect(told).toEqual(["info cuda not taken: absent", "warn nothing is kept"]);
  });
});
