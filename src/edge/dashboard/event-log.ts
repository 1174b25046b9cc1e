/** A line of the log. */
interface LogLine {
  at: number;
  readonly kind: "label" | "drift" | "phase" | "note" | "snapshot" | "status" | "rejected" | "camera";
  readonly text: string;
  /** How many times it came in a row. */
  times: number;
}

const maxLines = 60;

export interface EventLog {
  /** Newest first. */
  readonly lines: readonly LogLine[];
  add(kind: LogLine["kind"], text: string, now: number): void;
}

/** What happened, in words, bounded. A flood of one kind of line is one line with a count. */
export function createEventLog(): EventLog {
  const lines: LogLine[] = [];
  return {
    lines,
    add(kind, text, now) {
      const same = lines.slice(0, 4).find((line) => line.kind === kind && line.text === text);
      if (same) {
        same.times += 1;
        same.at = now;
        return;
      }
      lines.unshift({ at: now, kind, text, times: 1 });
      if (lines.length > maxLines) lines.pop();
    },
  };
}
