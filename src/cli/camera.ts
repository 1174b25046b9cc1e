import { Command, Option } from "commander";
import type { Picture } from "../app/camera-player.ts";
import { appError } from "../kernel/errors.ts";
import { number } from "./arguments.ts";
import { stopSignal } from "./stop-signal.ts";
import { type Progress, progress } from "./terminal.ts";

interface CameraFlags {
  readonly broker: string;
  readonly base: string;
  readonly node: string;
  readonly camera: string;
  readonly data?: string;
  readonly split?: string;
  readonly video?: string;
  readonly label?: string;
  readonly fps: number;
  readonly labelShare: number;
  readonly labelDelay: number;
  readonly frames: number;
  readonly loop: boolean;
  readonly seed: number;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
}

export function cameraCommand(): Command {
  return new Command("camera")
    .description("Play a folder or archive of labelled images (or a video) as a camera.")
    .option("--broker <url>", "where to publish", "mqtt://127.0.0.1:1883")
    .option("--base <topic>", "first level of every topic", "l2p")
    .requiredOption("--node <name>", "required: the node that listens, by its node.id (the demo's is demo)")
    .option("--camera <name>", "this camera's name", "camera-1")
    .option("--data <path>", "ImageFolder tree (one folder a class), or a .tar or .tar.gz of one")
    .option("--split <folder>", "only this part of the data, e.g. train")
    .addOption(new Option("--video <file>", "a video file, through ffmpeg").conflicts("data"))
    .option("--label <text>", "what every picture of the video shows (without it, a video has no labels)")
    .option("--fps <n>", "frames a second", number(0.01, 1000), 2)
    .option("--label-share <share>", "share of the frames that get a label, 0 to 1", number(0, 1), 0.5)
    .option("--label-delay <seconds>", "how long after its frame a label comes", number(0, 86_400), 2)
    .option("--frames <n>", "stop after so many (0: at the end of the data, with --loop never)", number(0), 0)
    .option("--loop", "start again at the end", false)
    .option("--seed <n>", "order of the images, and which get labels", number(0), 1)
    .option("--username <name>", "for the broker")
    .option("--password-file <file>", "its first line is the password")
    .option("--ca <file>", "certificate authority of the broker (for mqtts://), PEM")
    .addHelpText("after", "\nExample:\n  l2p-edge camera --node box-1 --data ./parts --fps 5 --label-share 0.3")
    .action(play);
}

async function play(flags: CameraFlags): Promise<void> {
  const [{ playCamera }, { connectCamera }, { whyAbsent }, { topics }] = await Promise.all([
    import("../app/camera-player.ts"),
    import("../app/camera-connection.ts"),
    import("../app/node-presence.ts"),
    import("../message/topic.ts"),
  ]);
  const source = await pictures(flags);
  const toNode = topics(flags.base, flags.node);
  const connection = await connectCamera(flags.broker, flags);
  const stop = stopSignal();
  const total = flags.frames || source.size;
  let bar: Progress | undefined;
  try {
    const absent = await whyAbsent(connection, flags.base, flags.node);
    if (absent !== null) process.stderr.write(`warning: ${absent}\n`);
    bar = progress(flags.camera, total ?? 0);
    const played = await playCamera(source.pictures, {
      topics: toNode,
      camera: flags.camera,
      publish: connection.publish,
      framesPerSecond: flags.fps,
      labelShare: flags.labelShare,
      labelDelayMs: flags.labelDelay * 1000,
      seed: flags.seed,
      signal: stop,
      onFrame: (frames) => bar?.update(frames),
    });
    bar.stop();
    process.stdout.write(`${JSON.stringify({ camera: flags.camera, ...played })}\n`);
  } finally {
    bar?.stop();
    await connection.close();
  }
}

interface Source {
  readonly pictures: AsyncIterable<Picture>;
  readonly size?: number;
}

async function pictures(flags: CameraFlags): Promise<Source> {
  const limit = flags.frames || Infinity;
  if (flags.video !== undefined) {
    const { videoPictures } = await import("../app/video.ts");
    const { video, fps, label = null } = flags;
    return { pictures: repeated(() => labelled(videoPictures(video, fps), label), flags.loop, limit) };
  }
  if (flags.data === undefined) throw appError("cli/usage", "say what to play: --data or --video");
  const { openDataset } = await import("../dataset/dataset.ts");
  const options = { shuffleSeed: flags.seed, ...(flags.split !== undefined && { split: flags.split }) };
  const dataset = await openDataset(flags.data, options);
  const played = repeated(() => dataset, flags.loop, limit);
  return flags.loop ? { pictures: played } : { pictures: played, size: dataset.size };
}

async function* labelled(images: AsyncIterable<Uint8Array>, label: string | null): AsyncGenerator<Picture> {
  for await (const bytes of images) yield { bytes, label };
}

async function* repeated(open: () => AsyncIterable<Picture>, loop: boolean, limit: number): AsyncGenerator<Picture> {
  let count = 0;
  let again: boolean;
  do {
    for await (const picture of open()) {
      if (count++ >= limit) return;
      yield picture;
    }
    again = loop;
  } while (again);
}
