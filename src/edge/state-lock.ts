import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { appError } from "../kernel/errors.ts";

export interface StateLock {
  release(): Promise<void>;
}

/** A process of this machine; a process id alone is soon given to another. */
interface Owner {
  readonly pid: number;
  /** Clock ticks from boot to the process's start; "0" where there is no /proc. */
  readonly start: string;
  readonly boot: string;
}

/**
 * Takes the folder (created where missing) for this process. The lock of a process that is gone, or of an earlier boot,
 * is taken over. Two that start at once may both be refused, never both accepted. Processes that do not see each
 * other's ids (containers that share the folder) are not kept apart.
 * @throws AppError `state/locked` with the process id of the owner, `state/folder`
 */
export async function lockState(folder: string): Promise<StateLock> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const boot = await bootId();
    const own: Owner = { pid: process.pid, start: (await stat(process.pid))?.start ?? "0", boot };
    const path = join(folder, nameOf(own));
    // INVARIANT: first show the own lock, then look for others: of two, at least the later sees the other.
    await (await open(path, "wx", 0o600)).close();
    for (const file of await readdir(folder)) {
      const other = ownerOf(file);
      if (other === undefined || file === nameOf(own)) continue;
      if (other.boot === boot && (await isAlive(other))) {
        await rm(path, { force: true });
        throw locked(folder, other.pid);
      }
      await rm(join(folder, file), { force: true });
    }
    return { release: () => rm(path, { force: true }) };
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") throw locked(folder, process.pid);
    if (codeOf(cause) === "state/locked") throw cause;
    throw appError("state/folder", `cannot use ${folder}`, { cause });
  }
}

/** The process that holds the folder's lock; undefined when none does. Takes and changes nothing. */
export async function lockOwner(folder: string): Promise<number | undefined> {
  const boot = await bootId();
  for (const file of await readdir(folder).catch(() => [])) {
    const owner = ownerOf(file);
    if (owner?.boot === boot && (await isAlive(owner))) return owner.pid;
  }
  return undefined;
}

function locked(folder: string, pid: number): Error {
  return appError("state/locked", `${folder} is in use by process ${pid}`);
}

function nameOf({ pid, start, boot }: Owner): string {
  return `process-${pid}-${start}-${boot}.lock`;
}

function ownerOf(file: string): Owner | undefined {
  const match = /^process-(\d+)-(\d+)-([\w-]+)\.lock$/.exec(file);
  return match === null ? undefined : { pid: Number(match[1]), start: match[2]!, boot: match[3]! };
}

async function bootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return "boot";
  }
}

async function isAlive({ pid, start }: Owner): Promise<boolean> {
  const found = await stat(pid);
  if (found !== undefined) return found.start === start && found.state !== "Z" && found.state !== "X";
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return codeOf(error) === "EPERM";
  }
}

/** proc_pid_stat(5): field 3 is the state, field 22 the start. The command before them may hold spaces and brackets. */
async function stat(pid: number): Promise<{ readonly state: string; readonly start: string } | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", start: fields[19] ?? "0" };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
