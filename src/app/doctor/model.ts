import sharp from "sharp";
import type { OnnxEngine } from "../../backbone/onnx-engine.ts";
import { prepareImage } from "../../backbone/preprocess.ts";
import type { Settings } from "../../settings/types.ts";
import { openBackbone } from "../backbone.ts";
import { backboneOptions } from "../backbone-options.ts";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";
import { profileText, provedFinding } from "./runtime.ts";

type ModelPart = Pick<Settings, "model" | "learner" | "stream" | "state">;

/** The configured model through the configured engine, and the image decoders before it. */
export function modelChecks(settings: ModelPart): readonly Check[] {
  return [
    { name: "image decoders", run: decodersFinding },
    { name: "model", run: () => modelFinding(settings) },
  ];
}

async function modelFinding(settings: ModelPart): Promise<Finding> {
  const { model, engine, prepare } = await openBackbone(backboneOptions(settings));
  try {
    const pixels = await prepare(await picture("jpeg"));
    await engine.query({ pixels, count: 1 }); // the first run also plans memory
    const startedAt = performance.now();
    const { data } = await engine.query({ pixels, count: 1 });
    const ms = performance.now() - startedAt;
    const { name, modelId } = model.info;
    const what = `${name}, sha256 ${modelId.slice(0, 12)}…`;
    if (!data.every(Number.isFinite)) {
      return failed(`${what}: its features are not finite`, "Take another copy of the model, or another provider.");
    }
    const { provider, notes = [] } = engine.provider;
    const told = `${what}; a picture in ${ms.toFixed(1)} ms on ${provider}${notes.map((note) => `; ${note}`).join("")}`;
    if (!("profile" in engine)) return ok(told);
    const profile = await (engine as OnnxEngine).profile();
    return provedFinding(provider, `${told}; ${profileText(profile)}`, profile);
  } finally {
    await engine.close();
  }
}

async function decodersFinding(): Promise<Finding> {
  const broken: string[] = [];
  for (const format of ["jpeg", "png", "webp"] as const) {
    const options = { imageSize: 8, resize: "cover", kernel: "cubic", maxPixels: 1e6 } as const;
    await picture(format)
      .then((bytes) => prepareImage(bytes, options))
      .catch((error: unknown) => broken.push(`${format}: ${(error as Error).message}`));
  }
  const version = `sharp ${sharp.versions.sharp ?? "?"}, libvips ${sharp.versions.vips}`;
  if (broken.length === 0) return ok(`${version}: JPEG, PNG, WebP`);
  const advice = "Run `npm ci` again on this machine; a libvips of the system may be in its way.";
  return broken.length < 3 ? warning(`${version}: ${broken.join("; ")}`, advice) : failed(broken.join("; "), advice);
}

/** A small picture with something on it. */
async function picture(format: "jpeg" | "png" | "webp"): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7) % 256);
  return sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}
