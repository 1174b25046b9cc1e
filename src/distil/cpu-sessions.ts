import { InferenceSession } from "onnxruntime-node";
import "../onnx/no-telemetry.ts";
import type { Graph } from "../onnx/graph.ts";

/** ONNX Runtime on the calling thread, which it blocks: a graph becomes a session when it is first asked for. */
export interface CpuSessions {
  get(name: string, graph: () => Graph): Promise<InferenceSession>;
  close(): Promise<void>;
}

/** @param threads 0 lets ONNX Runtime choose. */
export function cpuSessions(threads: number): CpuSessions {
  const open = new Map<string, Promise<InferenceSession>>();
  return {
    get(name, graph) {
      const found = open.get(name);
      if (found !== undefined) return found;
      const created = InferenceSession.create(graph().build(), {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        logSeverityLevel: 3,
        // Idle threads sleep: other programs share the cores, and a thread that spins takes theirs.
        extra: { "session.intra_op.allow_spinning": "0" },
      });
      open.set(name, created);
      return created;
    },
    async close() {
      for (const created of open.values()) await (await created).release();
      open.clear();
    },
  };
}
