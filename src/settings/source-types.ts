/** A camera that the node pulls frames from. */
export type SourceSettings = FfmpegSource | FolderSource;

export type FfmpegSource = NetworkSource | DeviceSource | VideoFileSource;

interface ByFfmpeg {
  readonly framesPerSecond: number;
  /** Undefined: as they come. */
  readonly width?: number | undefined;
  readonly stalledMs: number;
}

export type NetworkSource = ByFfmpeg & {
  readonly url: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
} & ({ readonly kind: "rtsp"; readonly transport: "tcp" | "udp" } | { readonly kind: "http-mjpeg" });

export interface DeviceSource extends ByFfmpeg {
  readonly kind: "v4l2";
  readonly device: string;
}

export interface VideoFileSource extends ByFfmpeg {
  readonly kind: "file";
  readonly path: string;
  readonly repeat: boolean;
}

export interface FolderSource {
  readonly kind: "folder";
  readonly path: string;
  readonly framesPerSecond: number;
  readonly stalledMs: number;
}
