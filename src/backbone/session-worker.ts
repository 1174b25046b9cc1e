import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { type PassProfile, readProfile } from "./profile.ts";
import type { SessionOptions, SessionService, TensorMessage, TensorMessages } from "./session-protocol.ts";
import { serve } from "./worker-port.ts";

// The thread that owns ONNX Runtime's sessions: `session.run` blocks the thread it is called on, and this one may block.

// What fails is thrown, and told by whoever asked; the runtime's own lines on stderr would only say it again.
env.logLevel = "fatal";

const sessions = new Map<string, InferenceSession>();

serve<SessionService>({
  load: async (name, request) => {
    sessions.set(name, await InferenceSession.create(request.model, options(request)));
  },
  run: async (name, feeds) => {
    const session = sessions.get(name);
    if (session === undefined) throw new Error(`no session "${name}" was loaded`);
    return await run(session, feeds);
  },
  profile,
  release: async () => {
    for (const session of sessions.values()) await session.release();
    sessions.clear();
  },
});

function options({ providers, threads, weightsFolder, prepack }: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [...providers],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    // A pattern is kept for each batch size that ever came, with its block of memory.
    enableMemPattern: false,
    extra: {
      // Half precision that was widened beforehand would be held in each branch; so it is widened when it is used.
      ...(!prepack && { optimization: { disable_specified_optimizers: "ConstantFolding" } }),
      session: {
        // Each session has threads of its own, which spin on after a run and would take the cores from the other session.
        force_spinning_stop: "1",
        // Without VNNI, x86 saturates where int8 meets uint8, unless it is told not to.
        x64quantprecision: "1",
        disable_prepacking: prepack ? "0" : "1",
        ...(weightsFolder !== undefined && { model_external_initializers_file_folder_path: weightsFolder }),
      },
    },
  };
}

async function run(session: InferenceSession, feeds: TensorMessages): Promise<TensorMessages> {
  const inputs = Object.entries(feeds).map(
    ([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)] as const,
  );
  const results = await session.run(Object.fromEntries(inputs));
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, toMessage(value)]));
}

function toMessage(value: Tensor): TensorMessage {
  if (!(value.data instanceof Float32Array)) throw new Error(`an output of type ${value.type} is not expected`);
  // A copy: the runtime owns the memory that its own tensors stand on, and may not let it be transferred.
  return { type: "float32", data: Float32Array.from(value.data), dims: value.dims };
}

async function profile(request: SessionOptions, feeds: TensorMessages): Promise<PassProfile> {
  const folder = mkdtempSync(join(tmpdir(), "l2p-edge-profile-"));
  try {
    const profiled = { ...options(request), enableProfiling: true, profileFilePrefix: join(folder, "run") };
    const session = await InferenceSession.create(request.model, profiled);
    try {
      await run(session, feeds);
      session.endProfiling();
    } finally {
      await session.release();
    }
    return readProfile(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
