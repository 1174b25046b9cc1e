import { z } from "zod";
import { appError, isAppError } from "../kernel/errors.ts";
import { checkLabel } from "./label.ts";

const maxCommandBytes = 16 * 1024;

/** A label in a command obeys the rules of a label message. */
const label = z.string().transform((text, context) => {
  try {
    return checkLabel(text);
  } catch (error) {
    if (!isAppError(error)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});
/** Chosen by the sender, and given back in the reply. */
const id = z.string().max(64).optional();

/** Each command's arguments. */
export interface CommandArguments {
  /** Write a checkpoint and publish the compact snapshot now. */
  readonly snapshot: object;
  /** Take over a checkpoint by its name in the store; the newest when none is named. */
  readonly restore: { readonly checkpoint?: string | undefined };
  /** Take over the checkpoint `steps` before the newest. */
  readonly rollback: { readonly steps: number };
  readonly "pause-learning": object;
  readonly "resume-learning": object;
  readonly "forget-label": { readonly label: string };
  readonly "rename-label": { readonly from: string; readonly to: string };
  /** Change one of the settings that it knows; null: back to what the configuration says. */
  readonly set: { readonly key: string; readonly value: string | number | boolean | null };
}

export type CommandName = keyof CommandArguments;

type WithId<T> = T & { readonly id?: string | undefined };

/** Unknown keys are refused: a misspelt argument must not run the default. */
const schemas: { readonly [N in CommandName]: z.ZodType<WithId<CommandArguments[N]>> } = {
  snapshot: z.strictObject({ id }),
  restore: z.strictObject({ id, checkpoint: z.string().min(1).max(128).optional() }),
  rollback: z.strictObject({ id, steps: z.int().min(1).max(1000).default(1) }),
  "pause-learning": z.strictObject({ id }),
  "resume-learning": z.strictObject({ id }),
  "forget-label": z.strictObject({ id, label }),
  "rename-label": z.strictObject({ id, from: label, to: label }),
  set: z.strictObject({
    id,
    key: z.string().min(1).max(128),
    value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  }),
};

/** A request, e.g. `{name: "rename-label", requestId: "7", arguments: {from: "bolt", to: "screw"}}`. */
export type CommandRequest = {
  [N in CommandName]: { readonly name: N; readonly requestId: string | null; readonly arguments: CommandArguments[N] };
}[CommandName];

/** @throws AppError `command/unknown`, `command/too-large`, `command/bad-json`, `command/bad-arguments` */
export function decodeCommand(name: string, payload: Uint8Array): CommandRequest {
  if (!isCommandName(name)) throw appError("command/unknown", `no command ${name}`);
  if (payload.length > maxCommandBytes) throw appError("command/too-large", `${payload.length} bytes`);
  const parsed = schemas[name].safeParse(parseJson(payload));
  if (!parsed.success) throw appError("command/bad-arguments", issues(parsed.error));
  const { id: requestId = null, ...rest } = parsed.data;
  // The schema of `name` gave these arguments; the compiler cannot see that pair.
  return { name, requestId, arguments: rest } as CommandRequest;
}

export function encodeCommand(request: CommandRequest): Uint8Array {
  const { requestId, arguments: rest } = request;
  return new TextEncoder().encode(JSON.stringify(requestId === null ? rest : { id: requestId, ...rest }));
}

/** The request id of a payload that may be broken in every other way, so that its sender gets a reply. */
export function requestIdOf(payload: Uint8Array): string | null {
  try {
    const parsed = z.looseObject({ id }).safeParse(payload.length > maxCommandBytes ? null : parseJson(payload));
    return parsed.data?.id ?? null;
  } catch {
    return null;
  }
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(schemas, name);
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (cause) {
    throw appError("command/bad-json", "the payload is no JSON in UTF-8", { cause });
  }
}

function issues(error: z.ZodError): string {
  const lines = error.issues.map((issue) => `${issue.path.join(".") || "payload"}: ${issue.message}`);
  return lines.join("; ").slice(0, 400);
}
