import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { HubModel } from "../../src/backbone/catalogue.ts";
import { loadModel } from "../../src/backbone/model.ts";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { pullModel } from "../../src/models/pull.ts";
import { fileServer, serve } from "../support/file-server.ts";
import { tinyModel } from "../support/tiny-model.ts";

const tiny = tinyModel();
const stored = new Map([...tiny.weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")]));
const file = encodeSafetensors(stored);
/** As long, and other weights. */
const other = encodeSafetensors(new Map(stored).set("norm.bias", fromFloat32(tiny.weights.get("norm.weight")!, "F32")));

const position = fc.integer({ min: 0, max: file.length + 50 });

/** One answer of a server that need not be honest; only that an ETag is of one file is kept. */
const answer = fc.record({
  status: fc.constantFrom(200, 200, 200, 200, 206, 416, 404, 503, 302),
  cutAfter: fc.option(position, { nil: undefined }),
  length: fc.option(position, { nil: undefined }),
  ignoreRange: fc.boolean(),
  etag: fc.constantFrom('"v1"', "", 'W/"v1"'),
  rangeStart: position,
  garbage: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
  isOther: fc.boolean(),
});
type Behaviour = typeof answer extends fc.Arbitrary<infer T> ? T : never;

function misbehave(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse): void {
  const { status, rangeStart, garbage, isOther, etag } = behaviour;
  if (garbage !== undefined) response.writeHead(status === 206 ? 200 : status, { etag: '"garbage"' }).end(garbage);
  else if (status === 200) {
    const { cutAfter, length, ignoreRange } = behaviour;
    const tag = isOther && etag !== "" ? '"other"' : etag;
    const said = length === undefined ? {} : { length };
    serve(isOther ? other : file, request, response, { cutAfter, ignoreRange, etag: tag, ...said });
  } else if (status === 206) {
    const range = `bytes ${rangeStart}-${file.length - 1}/${file.length}`;
    // Bytes of the same file, from where it says; whether that was asked for is another question.
    response.writeHead(206, { "content-range": range }).end(file.subarray(rangeStart));
  } else if (status === 416) response.writeHead(416, { "content-range": `bytes */${rangeStart}` }).end();
  else if (status === 302) response.writeHead(302, { location: `/${rangeStart}` }).end();
  else response.writeHead(status).end("no");
}

it("whatever a server answers, one of its files is installed whole or nothing is, and the next honest pull succeeds", async () => {
  const { architecture, mean, std, resize, kernel, licence } = tiny.manifest;
  const hubFile = { repo: "timm/tiny", revision: "main", file: "model.safetensors" };
  const model: HubModel = {
    name: "tiny",
    ...hubFile,
    architecture,
    mean,
    std,
    resize,
    kernel,
    licence,
    source: "a test",
  };
  let answers: Behaviour[] = [];
  const server = await fileServer((request, response) => {
    const next = answers.shift();
    if (next === undefined) serve(file, request, response);
    else misbehave(next, request, response);
  });
  const expectWhole = async (modelsFolder: string): Promise<void> => {
    const { weights } = await loadModel("tiny", { modelsFolder });
    expect(
      [file, other].map((one) => Buffer.from(one).equals(Buffer.from(encoded(weights)))).filter(Boolean),
    ).toHaveLength(1);
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 6 }), async (behaviours) => {
        const modelsFolder = await mkdtemp(join(tmpdir(), "l2p-hostile-"));
        const pull = (retryDelaysMs: number[]): Promise<unknown> =>
          pullModel({
            model,
            hub: { endpoint: server.url },
            modelsFolder,
            env: {},
            stallMs: 5000,
            retryDelaysMs,
          }).catch((error: unknown) => error);
        answers = behaviours.slice();
        const outcome = await pull([0, 0]);
        const installed = (await readdir(modelsFolder)).filter((name) => name !== ".work");
        expect(installed).toEqual(outcome instanceof Error ? [] : ["tiny"]);
        expect(outcome instanceof Error && !(outcome instanceof AppError) ? outcome : undefined).toBeUndefined();
        answers = [];
        expect(await pull([0, 0])).not.toBeInstanceOf(Error);
        await expectWhole(modelsFolder);
        expect(await readdir(modelsFolder)).toEqual(["tiny"]);
        await rm(modelsFolder, { recursive: true });
      }),
      { numRuns: 40 },
    );
  } finally {
    await server.close();
  }
});

function encoded(weights: ReadonlyMap<string, Parameters<typeof fromFloat32>[0]>): Uint8Array {
  return encodeSafetensors(new Map([...weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")])));
}
