/** Where a checkpoint stands in its store's order: names sort by it. */
export interface CheckpointName {
  readonly name: string;
  /** Counts the checkpoints ever saved here. */
  readonly sequence: number;
  /** Set aside as damaged: never read again, kept for a person to look at. */
  readonly corrupt: boolean;
}

const pattern = /^checkpoint-(\d{8,15})-v\d{1,15}-\d{8}T\d{6}Z\.safetensors(\.corrupt)?$/;

/** E.g. `checkpoint-00000012-v340-20240501T100000Z.safetensors`. @param createdAt ISO 8601, UTC */
export function checkpointName(sequence: number, poolVersion: number, createdAt: string): string {
  const time = createdAt.replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  return `checkpoint-${String(sequence).padStart(8, "0")}-v${poolVersion}-${time}.safetensors`;
}

/** Null for every other file. No name that this takes leads out of a folder. */
export function parseCheckpointName(name: string): CheckpointName | null {
  const match = pattern.exec(name);
  return match && { name, sequence: Number(match[1]), corrupt: match[2] !== undefined };
}
