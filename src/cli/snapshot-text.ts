import type { Distance, SnapshotDiff } from "../app/snapshot-diff.ts";
import type { SnapshotAbout } from "../message/snapshot-about.ts";

/** What `snapshot show` tells of a file. */
export interface SnapshotFacts extends SnapshotAbout {
  readonly kind: "snapshot" | "checkpoint";
  readonly precision?: string;
  readonly sizeBytes: number;
  /** Of the whole file: what `sha256sum` prints. */
  readonly sha256: string;
  /** With the samples learned of each; null where the file does not say. */
  readonly labels: readonly (readonly [label: string, count: number | null])[];
  readonly arrays: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly sizeBytes: number;
  }[];
}

export function describeFacts(facts: SnapshotFacts): string {
  const { kind, precision, modelName, modelId, accuracy, labels, arrays } = facts;
  const rows: readonly (readonly [string, string])[] = [
    ["what", kind === "checkpoint" ? "checkpoint: everything, exact" : `compact snapshot, ${precision}`],
    ["model", `${modelName}, sha256 ${modelId}`],
    ["node", facts.node],
    ["taken", `${facts.createdAt} (${facts.reason})`],
    ["version", `${facts.poolVersion}`],
    ["accuracy", accuracy === null ? "none yet" : `${percent(accuracy)} over the window before`],
    ["size", `${facts.sizeBytes} bytes, sha256 ${facts.sha256}`],
    ["labels", labels.length === 0 ? "none" : labels.map(([label, n]) => `${shown(label)} ${n ?? "?"}`).join(", ")],
  ];
  const head = rows.map(([key, value]) => `${key.padEnd(9)} ${value}`);
  const table = arrays.map(({ name, dtype, shape, sizeBytes }) => {
    return `  ${shown(name).padEnd(24)} ${dtype.padEnd(4)} [${shape.join(", ")}]  ${sizeBytes} bytes`;
  });
  return `${[...head, "arrays", ...table].join("\n")}\n`;
}

export function describeList(
  checkpoints: readonly (SnapshotAbout & { readonly name: string; readonly sizeBytes: number })[],
): string {
  if (checkpoints.length === 0) return "There are no checkpoints.\n";
  const lines = checkpoints.map(({ name, poolVersion, reason, accuracy, modelName, sizeBytes }) => {
    const right = accuracy === null ? "" : `, ${percent(accuracy)} right`;
    return `${name}  version ${poolVersion} (${reason}${right}), ${shown(modelName)}, ${sizeBytes} bytes`;
  });
  return `${lines.join("\n")}\n`;
}

export function describeDiff(diff: SnapshotDiff): string {
  const { versions, sameModel, added, removed, renamed, counts, prompts, keys, classMeans } = diff;
  const lines = [`version  ${versions[0]} → ${versions[1]}`];
  for (const label of added) lines.push(`+ ${shown(label)}`);
  for (const label of removed) lines.push(`- ${shown(label)}`);
  for (const [from, to] of renamed) lines.push(`~ ${shown(from)} → ${shown(to)} (same class mean)`);
  for (const [label, from, to] of counts) lines.push(`  ${shown(label)}: ${from} → ${to} samples`);
  if (!sameModel) lines.push("They are of different models: their numbers cannot be compared.");
  else {
    lines.push("cosine distance (0: unmoved)");
    lines.push(`  prompts      ${prompts.map(distanceText).join(" ") || notComparable}`);
    lines.push(`  keys         ${keys.map(distanceText).join(" ") || notComparable}`);
    for (const [label, moved] of classMeans) lines.push(`  class mean   ${shown(label)} ${distanceText(moved)}`);
  }
  return `${lines.join("\n")}\n`;
}

const notComparable = "not comparable: pools of different shapes";

function distanceText(distance: Distance): string {
  if (distance === null) return "–";
  return distance < 5e-6 ? "0" : distance.toPrecision(2);
}

/** Names come from outside: no control character of theirs reaches the terminal. */
function shown(text: string): string {
  return text.replaceAll(/\p{C}/gu, "�");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
