/** A file found in a folder or an archive, not yet read. */
export interface SourceFile {
  /** Folders and file, joined by `/`, e.g. `train/bolt/7.jpg`. */
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** Where images come from. */
export interface ImageSource {
  readonly files: readonly SourceFile[];
  close(): Promise<void>;
}

/** Larger files are no camera frames and are left out, bytes. */
export const maxImageBytes: number = 64 * 1024 * 1024;

const image = /\.(jpe?g|png|webp)$/i;

/**
 * The parts of an image's path, without `.` segments; undefined for what is no image in a folder of its own class:
 * other files, hidden ones, absolute paths and those that climb out.
 */
export function imagePath(name: string): readonly string[] | undefined {
  if (name.startsWith("/") || name.includes("\\") || name.includes("\0")) return undefined;
  const parts = name.split("/").filter((part) => part !== "." && part !== "");
  if (parts.length < 2 || parts.some((part) => part.startsWith("."))) return undefined;
  return image.test(parts.at(-1)!) ? parts : undefined;
}
