// A process whose engine never starts: it must end all the same, with the code told. Arguments: a pipe that nobody writes to.
import { createWorkerHost } from "../../dist/backbone/worker-host.js";
import { within } from "../../dist/backbone/within.js";

const host = createWorkerHost("../../test/support/hanging-worker.js");
try {
  await within(300, "starting on tensorrt", () => host.call("load", process.argv[2]));
} catch (error) {
  host.abandon();
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exit(1);
}
