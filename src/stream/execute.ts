import type { CommandRequest } from "../message/command.ts";
import { isAppError, type ErrorCode } from "../kernel/errors.ts";
import type { Learner } from "../learner/types.ts";
import type { LabelMemory } from "./label-memory.ts";
import type { Refused, Reply } from "./outcome.ts";
import type { Log } from "./parts.ts";
import type { Turn } from "./turn.ts";

/** What only the service can do; it runs in a turn of its own on the learner. */
export type ServiceCommand = Extract<CommandRequest, { name: "restore" | "rollback" | "set" }>;
export type Service = (command: ServiceCommand) => Promise<Readonly<Record<string, unknown>>>;

export interface ExecuteParts {
  readonly turn: Turn;
  readonly learner: Pick<Learner, "poolVersion" | "forgetLabel" | "renameLabel">;
  readonly memory: LabelMemory;
  readonly pause: (paused: boolean) => void;
  /** Asks for a checkpoint: what changed the learner beside the journal must be in one soon. */
  readonly checkpoint: () => void;
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

/**
 * Runs one command between two batches and answers it. Labels that wait keep the name they were given.
 * A reply says that it is done in memory; the checkpoint that makes it last is asked for before.
 */
export async function execute(request: CommandRequest, parts: ExecuteParts): Promise<Reply> {
  const { name, requestId: id } = request;
  try {
    const result = await parts.turn.run("command", () => perform(request, parts));
    return { kind: "reply", name, message: { v: 1, id, ok: true, result } };
  } catch (error) {
    if (!isAppError(error)) parts.log("error", `the command ${name} failed unexpectedly`, error);
    const code: ErrorCode = isAppError(error) ? error.code : "command/failed";
    const detail = isAppError(error) ? error.message : "it failed unexpectedly";
    return { kind: "reply", name, message: { v: 1, id, ok: false, code, detail } };
  }
}

async function perform(request: CommandRequest, parts: ExecuteParts): Promise<Result> {
  const { learner, memory, pause, checkpoint } = parts;
  switch (request.name) {
    case "pause-learning":
    case "resume-learning":
      pause(request.name === "pause-learning");
      return {};
    case "forget-label":
      learner.forgetLabel(request.arguments.label);
      memory.forget(request.arguments.label);
      break;
    case "rename-label":
      learner.renameLabel(request.arguments.from, request.arguments.to);
      memory.rename(request.arguments.from, request.arguments.to);
      break;
    case "snapshot":
      break;
    case "set":
      return viaService(request, parts);
    default: {
      const result = await viaService(request, parts);
      checkpoint();
      return result;
    }
  }
  checkpoint();
  return { poolVersion: learner.poolVersion };
}

function viaService(request: ServiceCommand, { service }: ExecuteParts): Promise<Result> {
  if (service === undefined) throw new Error(`nothing serves ${request.name}`);
  return service(request);
}
