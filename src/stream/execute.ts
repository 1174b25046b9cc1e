import type { CommandRequest } from "../message/command.ts";
import { isAppError, type ErrorCode } from "../kernel/errors.ts";
import type { Learner } from "../learner/types.ts";
import type { LabelMemory } from "./label-memory.ts";
import type { Refused, Reply } from "./outcome.ts";
import type { Log } from "./parts.ts";
import type { RollbackGuard } from "./rollback.ts";
import type { Turn } from "./turn.ts";

/** What only the service can do; it runs in a turn of its own on the learner. */
export type ServiceCommand = Extract<CommandRequest, { name: "restore" | "rollback" | "set" }>;
export type Service = (command: ServiceCommand) => Promise<Readonly<Record<string, unknown>>>;

export interface ExecuteParts {
  readonly turn: Turn;
  readonly learner: Pick<Learner, "poolVersion" | "forgetLabel" | "renameLabel">;
  readonly memory: LabelMemory;
  /** What it kept is of another life once labels were forgotten or renamed, or a state was put back. */
  readonly guard: RollbackGuard;
  readonly pause: (paused: boolean) => void;
  /**
   * Asks for a checkpoint, which is where changes beside the journal last. Resolves when it is on disk.
   * @throws AppError `command/not-durable`
   */
  readonly checkpoint: () => Promise<void>;
  readonly service?: Service | undefined;
  readonly log: Log;
}

/** A refused command's sender waits for a reply as well. */
export function withReply(refused: Refused): readonly (Refused | Reply)[] {
  const { answer, code, detail } = refused.rejected;
  if (answer === null) return [refused];
  const message = { v: 1, id: answer.requestId, ok: false, code, detail } as const;
  return [{ kind: "reply", name: answer.name, message }, refused];
}

type Result = Readonly<Record<string, unknown>>;

/** Done in memory. */
interface Performed {
  readonly result: Result;
  /** Settles when it lasts; null for what changes nothing. */
  readonly durable: Promise<void> | null;
}

/**
 * Runs one command between two batches and answers it when a checkpoint that contains it is on disk. Labels that wait
 * keep the name they were given.
 */
export async function execute(request: CommandRequest, parts: ExecuteParts): Promise<Reply> {
  const { name, requestId: id } = request;
  try {
    // Awaited outside of the turn, which the checkpoint needs.
    const { result, durable } = await parts.turn.run("command", () => perform(request, parts));
    await durable;
    return { kind: "reply", name, message: { v: 1, id, ok: true, result } };
  } catch (error) {
    if (!isAppError(error)) parts.log("error", `the command ${name} failed unexpectedly`, error);
    const code: ErrorCode = isAppError(error) ? error.code : "command/failed";
    const detail = isAppError(error) ? error.message : "it failed unexpectedly";
    return { kind: "reply", name, message: { v: 1, id, ok: false, code, detail } };
  }
}

async function perform(request: CommandRequest, parts: ExecuteParts): Promise<Performed> {
  const { learner, memory, guard, pause, checkpoint } = parts;
  switch (request.name) {
    case "pause-learning":
    case "resume-learning":
      pause(request.name === "pause-learning");
      return { result: {}, durable: checkpoint() };
    case "forget-label":
      learner.forgetLabel(request.arguments.label);
      memory.forget(request.arguments.label);
      guard.forget();
      break;
    case "rename-label":
      learner.renameLabel(request.arguments.from, request.arguments.to);
      memory.rename(request.arguments.from, request.arguments.to);
      guard.forget();
      break;
    case "snapshot":
      break;
    case "set":
      return { result: await viaService(request, parts), durable: null };
    default: {
      const result = await viaService(request, parts);
      guard.forget();
      return { result, durable: checkpoint() };
    }
  }
  return { result: { poolVersion: learner.poolVersion }, durable: checkpoint() };
}

function viaService(request: ServiceCommand, { service }: ExecuteParts): Promise<Result> {
  if (service === undefined) throw new Error(`nothing serves ${request.name}`);
  return service(request);
}
