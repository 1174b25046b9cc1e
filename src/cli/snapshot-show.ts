import { stat } from "node:fs/promises";
import { readInput } from "./input.ts";
import { describeFacts, describeList, type SnapshotFacts } from "./snapshot-text.ts";
import { describeError } from "./terminal.ts";

/** `snapshot show`: one file, or the checkpoints of a state folder. */
export async function showSnapshot(path: string, { json }: { readonly json: boolean }): Promise<void> {
  const isFolder = path !== "-" && (await stat(path).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) await showFolder(path, json);
  else await showFile(path, json);
}

async function showFile(path: string, json: boolean): Promise<void> {
  const facts = await factsOf(await readInput(path));
  process.stdout.write(json ? `${JSON.stringify(facts, null, 2)}\n` : describeFacts(facts));
}

async function showFolder(folder: string, json: boolean): Promise<void> {
  const { readCheckpoints } = await import("../app/newest-checkpoint.ts");
  const rows: Parameters<typeof describeList>[0][number][] = [];
  for await (const { name, sizeBytes, checkpoint } of readCheckpoints(folder, { onUnusable: tellDamaged })) {
    rows.push({ name, sizeBytes, ...checkpoint.about });
  }
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : describeList(rows));
}

function tellDamaged(name: string, error: unknown): void {
  process.exitCode = 1;
  process.stderr.write(`${name}: ${describeError(error)}\n`);
}

async function factsOf(file: Uint8Array): Promise<SnapshotFacts> {
  const [{ decodeSaved }, { labelsOf }, { decodeSafetensors }, { sha256 }] = await Promise.all([
    import("../app/snapshot-file.ts"),
    import("../app/snapshot-diff.ts"),
    import("../kernel/safetensors.ts"),
    import("../message/snapshot-container.ts"),
  ]);
  const saved = decodeSaved(file);
  const counts = saved.state.arrays["classCounts"]?.data;
  return {
    kind: saved.kind,
    ...saved.about,
    ...(saved.kind === "snapshot" && { precision: saved.precision }),
    sizeBytes: saved.bytes.length,
    sha256: sha256(saved.bytes),
    labels: labelsOf(saved.state.meta).map((label, c) => [label, counts?.[c] ?? null] as const),
    arrays: [...decodeSafetensors(saved.bytes).tensors].map(([name, { dtype, shape, bytes }]) => {
      return { name, dtype, shape, sizeBytes: bytes.length };
    }),
  };
}
