/**
 * Every error code of the product with what a person can do about it: the one list.
 * Codes are `room/what`. Add a code beside its room's others.
 */
export const errorHints = {
  "cli/usage": "Add --help for the options and an example.",
  "file/unreadable": "Check the path and that this user may read it; - reads standard input.",
  "file/unwritable": "Check that the folder is there, that this user may write in it, and the free space.",
  "camera/broker":
    "Check the address and that the broker runs (the one inside a node runs as long as the node): `mosquitto_sub -t '#' -h HOST -p PORT` must connect.",
  "camera/file": "Give the path of a file that this user may read.",
  "video/no-ffmpeg": "Install ffmpeg (`apt install ffmpeg`), or play a folder of images with --data.",
  "video/failed": "Check that `ffmpeg -i FILE` reads the video.",
  "graph/shape": "This is a bug where the graph is built: the operands' shapes do not fit.",
  "graph/no-gradient": "This is a bug where the graph is built: ask only for gradients of what the output depends on.",
  "engine/closed": "The engine was closed; create a new one.",
  "engine/provider": "No execution provider could start: see the reasons, or set `model.provider: cpu`.",
  "engine/input": "This is a bug in the caller: sizes and shapes must be those in `Engine`.",
  "engine/failed": "The inference runtime failed: see the cause. `l2p-edge doctor` checks the runtime.",
  "engine/warm-up":
    "It took longer than `model.warmUpMs`. Raise that for a slow box's first start; if it hangs each time, set `model.provider: cuda` or `cpu`.",
  "engine/cache":
    "Check that this user may write in `state.folder` and the free space: a TensorRT engine is as large as the weights.",
  "engine/fixed-shape":
    "TensorRT runs the prompts that the settings say (`learner.overrides.pool`) and no others; set `model.provider: cuda` for any number.",
  "tensor/shape": "This is a bug in the caller: the data's length and shape must agree.",
  "safetensors/cut-short": "The file is incomplete: copy or download it again.",
  "safetensors/header": "The file is damaged or no .safetensors file.",
  "safetensors/header-too-large": "The file is damaged, hostile or no .safetensors file.",
  "safetensors/dtype": "Convert the tensors to F32, F16 or BF16.",
  "safetensors/shape": "The file is damaged: a tensor's shape and its bytes do not agree.",
  "safetensors/offsets": "The file is damaged: tensors must follow each other without holes or overlaps.",
  "manifest/invalid": "Correct the named keys; models/README.md describes the manifest.",
  "model/not-found":
    "Give an installed model's name (`l2p-edge model list`), a folder with manifest.json and model.safetensors, or a .safetensors file.",
  "model/hash": "The weights are not those of the manifest: copy or download both again.",
  "model/name": "Use 1–64 of the characters A–Z a–z 0–9 . _ -, beginning with a letter or a digit.",
  "model/unknown":
    "`l2p-edge model list` shows the names; `l2p-edge model import FILE --name N` takes any other plain ViT.",
  "model/installed": "Use it as it is, choose another name, or remove its folder first.",
  "model/busy": "Wait until the other process has it, or stop that process; what it has is kept and goes on.",
  "model/folder": "Check that the models folder can be created and written, or name another with --models.",
  "model/too-large": "Give the weights of one ViT: a .safetensors file below 2 GiB.",
  "model/unsupported": "Take a plain ViT instead: `l2p-edge model list` shows some that fit.",
  "model/tensor-twice": "Export one network alone: the file holds two whose tensors have the same names.",
  "model/image-size": "Give a multiple of the patch size, in pixels, for example 160 or 224.",
  "download/endpoint": "Set HF_ENDPOINT to an address like https://huggingface.co, or unset it.",
  "download/unreachable":
    "Check the network, and HTTPS_PROXY where there is a proxy; then give the command again: it goes on where it was.",
  "download/proxy": "Check HTTPS_PROXY (with user and password where the proxy wants them) and NO_PROXY.",
  "download/certificate":
    "Check this machine's clock; where a proxy or mirror has a certificate of its own, name its CA's file in NODE_EXTRA_CA_CERTS.",
  "download/denied": "Set HF_TOKEN to a token that may read this model, or accept the model's terms on its page.",
  "download/not-found": "The hub or mirror does not have this file: check HF_ENDPOINT, or take another model.",
  "download/refused": "Try again later, or through another mirror (HF_ENDPOINT); what was received is kept.",
  "download/cut-short": "Give the command again: it goes on where it was.",
  "download/not-weights":
    "Something between answered in the hub's place (a login page, a proxy, a mirror without the file): open the address in a browser.",
  "download/size":
    "The file is not the expected one, or was damaged on its way: try again, or another mirror (HF_ENDPOINT).",
  "download/hash":
    "Do not use it: the file is not the expected one, or was damaged on its way. Try again, or another mirror.",
  "download/disk": "Free space, or name a folder on another disk with --models; what was received is kept.",
  "model/precision":
    "Make the variant first (`l2p-edge model convert NAME --precision int8`), or ask for what there is.",
  "model/variant": "Remove that folder and make the variant again with `l2p-edge model convert`.",
  "model/changed": "Start again: the weights' file must stay as it is while a node runs; replace it by renaming.",
  "model/not-finite": "The weights are damaged or were trained to destruction: download or train them again.",
  "image/empty": "Send the bytes of one JPEG, PNG or WebP image.",
  "image/format": "Send JPEG, PNG or WebP; nothing else is decoded.",
  "image/too-many-pixels":
    "Send a smaller image, or raise the limit on pixels in the settings if the box has the memory.",
  "image/damaged": "The image is cut short or damaged: check the camera and the connection.",
  "model/architecture":
    "Use the weights of a plain square pre-norm ViT in timm's names, and say `heads` in its manifest.",
  "model/tensor-missing": "The weights are not a plain ViT in timm's names; export the model with timm.",
  "model/tensor-shape":
    "The weights do not fit the manifest or are no plain ViT: take the manifest that came with them.",
  "model/tensor-unknown":
    "The model has parts this product does not compute (for example layer scale or distillation tokens): use a plain ViT.",
  "learner/settings": "Correct the named learner setting.",
  "learner/empty-batch": "This is a bug in the caller: a batch holds at least one labelled sample.",
  "learner/sample": "This is a bug in the caller: pixels and query must fit the backbone.",
  "learner/state":
    "The state was saved by another version, model or pool shape: start empty, or run with the settings it was saved with.",
  "learner/gradient":
    "The model or an image gives numbers that are not finite: check the model file with `l2p-edge model verify`.",
  "learner/unknown-label": "Use a label that was learned; telemetry lists them.",
  "learner/label-taken": "Choose a name that no other label has, or forget that label first.",
  "scene/no-parts": "Name at least one part type in every phase of the schedule.",
  "dataset/not-found": "Check the path and its permissions: it must be a folder, a .tar or a .tar.gz.",
  "dataset/archive": "The file is damaged, incomplete or of another kind: give a folder, a .tar or a .tar.gz.",
  "dataset/no-images": "Put JPEG, PNG or WebP files into one folder a class: <class>/<file> or <split>/<class>/<file>.",
  "evaluate/data": "Give a tree that the scenario can use: `l2p-edge evaluate --help` says which.",
  "evaluate/options": "Correct the named option: `l2p-edge evaluate --help` has them all.",
  "evaluate/other-cell": "Name another --out, or delete the file to run this cell anew.",
  "evaluate/result": "Delete the file, or write it anew with `l2p-edge evaluate`.",
  "evaluate/markdown":
    "Correct the marker, `<!-- results: GROUP | columns: A, B | methods: C, D -->`: groups are folders of the results.",
  "evaluate/no-plot": "Pictures need the development packages: run `npm ci` in the repository, or leave out the page.",
  "distil/start": "Give a model that was written by `l2p-edge distil train`, or leave --start out.",
  "distil/teacher": "Distil from a ViT as wide as the student: ViT-Tiny, 192.",
  "distil/images": "Give more images of each class: some are held out to watch the training by.",
  "distil/curves": "Give training.json files that `l2p-edge distil train` wrote.",
  "distil/checkpoint": "Go on with the recipe it was begun with, or name another --work folder to start anew.",
  "settings/unreadable": "Check the path and its permissions.",
  "settings/invalid": "Correct the named keys; config/ has commented examples.",
  "mqtt/unreachable": "Check that the broker runs, its host and port in `mqtt.url`, the network and the firewall.",
  "mqtt/no-answer":
    "The broker closed the connection without an answer: check that `mqtt.url` names the right port (mqtts:// for TLS), and the broker's log.",
  "mqtt/version": "Set `mqtt.version` to what the broker speaks (5, 4 for MQTT 3.1.1), or to auto.",
  "mqtt/refused": "See the reason and the broker's log.",
  "mqtt/auth": "Check `mqtt.username` and `mqtt.passwordFile`, and that the broker knows this user.",
  "mqtt/not-authorized": "Let this user read and write its topics in the broker's access list.",
  "mqtt/tls": "Check `mqtt.tls`: the CA that signed the broker's certificate, its host name, and the clock.",
  "mqtt/taken-over":
    "Probably another client connects with the same client id: give every node its own `node.id`, and run one process a node.",
  "mqtt/protocol": "The broker or something between sent what is not MQTT: see the cause.",
  "mqtt/outbox-full": "The broker was away too long: raise `mqtt.outboxMaxMessages` or `mqtt.outboxMaxBytes`.",
  "mqtt/closed": "The transport was closed; what was not yet sent is lost.",
  "broker/listen": "Choose another `broker.port`, stop what is using it, or name a broker in `mqtt.url`.",
  "source/no-ffmpeg": "Install ffmpeg (`apt install ffmpeg`); a source of kind folder needs none.",
  "source/failed":
    "See ffmpeg's words: check the address, path or device of the source, its user and passwordFile, and that the camera is on. RTSP by TCP needs ffmpeg 5.0. It is tried again.",
  "source/ended": "The camera or server ended the stream: check it. It is tried again.",
  "source/stalled":
    "The camera is connected and sends no pictures, or the folder's file system does not answer: check it and the network, or raise the source's `stalledMs`. It is tried again.",
  "source/garbage": "This is no stream of pictures as ffmpeg writes it: check the installed ffmpeg. It is tried again.",
  "source/too-large": "Set the source's `width`, or raise `stream.maxFrameBytes`.",
  "source/password":
    "Check the source's `passwordFile`: its path, its permissions, and that its first line is not empty.",
  "source/folder": "Check the source's `path`: a folder that this user may read, with at most 10,000 files in it.",
  "monitor/listen": "Choose another `monitor.port`, or stop what is using it.",
  "dashboard/listen": "Choose another `dashboard.port`, or stop what is using it.",
  "dashboard/no-token":
    "Give the page a token (`dashboard.tokenFile`, e.g. by `openssl rand -hex 24`), or leave `dashboard.host` at 127.0.0.1.",
  "dashboard/weak-token": "Make a longer one, e.g. `openssl rand -hex 24`.",
  "topic/unknown":
    "Publish to a topic of README.md's table: `<base>/<node>/<camera>/frame/<frameId>` and its neighbours.",
  "topic/bad-id": "Use 1–64 of the characters A–Z a–z 0–9 . _ - for node, camera, frame and command names.",
  "topic/reserved": "Choose another camera name: this one is a topic of the node itself.",
  "frame/empty": "Send the bytes of a JPEG, PNG or WebP image as the payload.",
  "frame/too-large": "Send a smaller image, or raise the setting for the largest frame.",
  "frame/bad-property":
    "Correct or leave out the MQTT user property: frameId, capturedAt (ISO 8601) and label are known.",
  "label/empty": "Send the label's text as the payload.",
  "label/too-long": "Use a label of at most 128 bytes of UTF-8.",
  "label/not-utf8": "Send the label as UTF-8 text.",
  "label/control-character": "Send the label's text alone: no line end, tab or other control character.",
  "label/bad-json": 'Send plain text, or JSON like {"label": "bolt"}.',
  "label/too-many": "Correct the label, forget one that is not needed, or raise the setting for the number of labels.",
  "label/late": "Send the label sooner, send the frame again with it, or widen the label window.",
  "label/unknown-frame": "Check camera and frame id: the frame never came while the label waited.",
  "label/overflow":
    "Send labels more slowly, or raise the setting for waiting labels; resume learning if it is paused.",
  "command/not-settable":
    "Set one of the keys that the detail lists; all others are changed in the configuration file (`systemctl reload l2p-edge`).",
  "command/unknown":
    "Use snapshot, restore, rollback, pause-learning, resume-learning, forget-label, rename-label or set.",
  "command/too-large": "Send a shorter command.",
  "command/bad-json": "Send one JSON object as UTF-8, at least {}.",
  "command/bad-arguments": "Correct the named keys; README.md lists each command's.",
  "command/retained": "Publish commands without the retain flag: a retained one would run again at every reconnect.",
  "command/not-durable":
    "It holds until a restart. Free the disk (see the log), then send the command snapshot, which makes it last.",
  "command/failed": "See the detail and the log; the learner's state is as before.",
  "snapshot/format": "Give a snapshot or checkpoint that l2p-edge wrote; a snapshot is no checkpoint.",
  "snapshot/damaged": "The bytes changed since they were written: take another copy or an older checkpoint.",
  "snapshot/version": "It was written by a newer l2p-edge: update this one, or take an older snapshot.",
  "snapshot/model-mismatch": "Run the model that it was saved for, or start empty: prompts fit one backbone only.",
  "store/io": "Check the disk and the state folder: free space, permissions, health.",
  "store/empty":
    "Check the folder. A node writes its first checkpoint by `snapshot.everyLearned` and `snapshot.everyMs`, at the command snapshot, and when it stops.",
  "store/not-found": "Name a checkpoint that is there: `l2p-edge snapshot show STATE_FOLDER` lists them.",
  "pipeline/internal": "This is a bug: please report it with the log. The sample was left out and the box goes on.",
  "journal/full": "Wait for the next checkpoint, or raise the journal's size.",
  "journal/io": "Check the disk: free space, permissions and health.",
  "queue/io": "Check the disk and the state folder: free space, permissions, health.",
  "queue/full": "The broker was away too long: raise `mqtt.queueMaxBytes`, or see why it is away.",
  "state/locked": "Stop the named process or wait for it, or give this one a folder of its own.",
  "state/folder": "Check the state folder: it must exist or be creatable, and this user must be able to write in it.",
} as const;

export type ErrorCode = keyof typeof errorHints;

/** An error a person or a program can act on: a code, what is wrong, and (by its code) what to do. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** What to do about it. */
  get hint(): string {
    return errorHints[this.code];
  }
}

/** @example throw appError("snapshot/model-mismatch", "saved for a, running b", { cause }) */
export function appError(code: ErrorCode, message: string, options?: { cause?: unknown }): AppError {
  return new AppError(code, message, options);
}

/** True for an `AppError`, of the given code when one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
