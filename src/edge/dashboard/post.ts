import type { IncomingMessage } from "node:http";
import type { Access } from "./access.ts";
import { type Door, type DoorAnswer, pageCommands } from "./door.ts";

/** Room for a label with its frame, or a command. */
const maxBodyBytes = 4096;
/** At the door. */
const maxWaiting = 64;

export interface PostAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly cookie?: string;
}

export type Post = (path: string, request: IncomingMessage, isAllowed: boolean) => Promise<PostAnswer>;

/** Answers what a page sends. @param door Undefined: the page is read-only. */
export function createPost(access: Access, door: Door | undefined): Post {
  let waiting = 0;

  async function act(path: string, body: Readonly<Record<string, unknown>>): Promise<PostAnswer> {
    if (door === undefined) {
      return refusal(403, "dashboard/read-only", "this page only shows: `dashboard.teach` lets it teach");
    }
    const command = /^\/command\/([a-z-]{1,32})$/.exec(path)?.[1];
    if (command !== undefined && pageCommands.includes(command)) return answered(await door.command(command, body));
    const { camera, frameId, label } = body;
    if (path !== "/label") return refusal(404, "dashboard/bad-request", "nothing takes this");
    if (typeof camera !== "string" || typeof frameId !== "string" || typeof label !== "string") {
      return refusal(400, "dashboard/bad-request", "a label has the texts camera, frameId and label");
    }
    return answered(await door.label(camera, frameId, label));
  }

  return async (path, request, isAllowed) => {
    if (!isSameOrigin(request)) return refusal(403, "dashboard/other-origin", "another site's page sent this");
    if (!isAllowed && path !== "/sign-in") return refusal(401, "dashboard/sign-in", "the token is missing or wrong");
    if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      return refusal(415, "dashboard/bad-request", "only application/json is taken");
    }
    const body = await readJson(request);
    if (typeof body === "string") return refusal(400, "dashboard/bad-request", body);
    if (path === "/sign-in") return signIn(access, body);
    // Only now, and for who may: strangers who send their bodies slowly take no place from who teaches.
    if (waiting >= maxWaiting) return refusal(503, "dashboard/busy", `${waiting} requests wait already`);
    waiting += 1;
    try {
      return await act(path, body);
    } finally {
      waiting -= 1;
    }
  };
}

function signIn(access: Access, { token }: Readonly<Record<string, unknown>>): PostAnswer {
  const cookie = typeof token === "string" ? access.signIn(token) : undefined;
  if (cookie === undefined) return refusal(401, "dashboard/sign-in", "the token is missing or wrong");
  return { status: 200, body: { outcome: "done", result: {} }, cookie };
}

/** A browser says where a POST comes from; a program that says nothing of it carries nobody's cookie unasked. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return false;
  const { origin, host } = headers;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** The object in the body, or what is wrong with it. */
async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return `more than ${maxBodyBytes} bytes`;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return "the JSON is no object";
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return "the body is no JSON in UTF-8";
  }
}

const statuses: Readonly<Record<DoorAnswer["outcome"], number>> = {
  learned: 200,
  done: 200,
  taken: 202,
  rejected: 422,
  unanswered: 504,
};

function answered(answer: DoorAnswer): PostAnswer {
  return { status: statuses[answer.outcome], body: answer };
}

function refusal(status: number, code: string, detail: string): PostAnswer {
  return { status, body: { outcome: "rejected", code, detail } };
}
