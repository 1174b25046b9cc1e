import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";

/** What happens to the inference thread of a process: it ends at the first image, or it never answers. */
export type EngineFault = "dies" | "hangs";

/** Node's arguments for a process whose engine has that fault; `folder` holds the script. */
export async function engineFault(fault: EngineFault, folder: string): Promise<readonly string[]> {
  const file = join(folder, `engine-${fault}.mjs`);
  await writeFile(file, script(fault));
  return ["--import", pathToFileURL(file).href];
}

const script = (fault: EngineFault): string => `
import { createRequire, syncBuiltinESMExports } from "node:module";
const threads = createRequire(import.meta.url)("node:worker_threads");
if (threads.isMainThread) {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    postMessage(message, transfer) {
      if (!("id" in message && "kind" in message)) return super.postMessage(message, transfer);
      ${fault === "hangs" ? "return;" : 'if (message.kind === "run") return void this.terminate();'}
      super.postMessage(message, transfer);
    }
  };
  syncBuiltinESMExports();
}
`;
