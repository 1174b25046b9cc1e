/** What became of what a page asked for. */
export type DoorAnswer =
  | { readonly outcome: "learned"; readonly predicted: string | null; readonly poolVersion: number }
  /** On disk, and to be learned: when learning goes on, or when it was not learned before. */
  | { readonly outcome: "taken" }
  | { readonly outcome: "done"; readonly result: Readonly<Record<string, unknown>> }
  | { readonly outcome: "rejected"; readonly code: string; readonly detail: string }
  /** Nothing was heard of it. */
  | { readonly outcome: "unanswered" };

/** The page's commands: the node's, but for `set`. */
export const pageCommands: readonly string[] = [
  "snapshot",
  "restore",
  "rollback",
  "pause-learning",
  "resume-learning",
  "forget-label",
  "rename-label",
];

/** Takes what people do on the page to where messages go. Both settle, and never reject. */
export interface Door {
  /** A label as text: its rules are the label message's. */
  label(camera: string, frameId: string, label: string): Promise<DoorAnswer>;
  /** @param given The command's arguments, as they came. */
  command(name: string, given: object): Promise<DoorAnswer>;
}
