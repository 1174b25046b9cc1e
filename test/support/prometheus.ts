export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const nameText = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const line = new RegExp(`^(${nameText})(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?\\d[\\d.e+-]*)$`, "s");
const pair = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/;

/**
 * Prometheus' text format 0.0.4, strictly: each family once, HELP, then TYPE, then its samples, no two alike, and a
 * line end at the end. @throws Error
 */
export function parseMetrics(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  let current: (ParsedFamily & { samples: ParsedSample[] }) | undefined;
  let help: [string, string] | undefined;
  const seen = new Set<string>();
  for (const each of text.slice(0, -1).split("\n")) {
    const comment = new RegExp(`^# (HELP|TYPE) (${nameText}) (.+)$`, "s").exec(each);
    if (comment?.[1] === "HELP") {
      if (families.has(comment[2]!)) throw new Error(`${comment[2]} comes twice`);
      help = [comment[2]!, unescaped(comment[3]!)];
    } else if (comment) {
      if (help?.[0] !== comment[2]) throw new Error(`TYPE without HELP: ${each}`);
      if (!/^(counter|gauge|summary|histogram|untyped)$/.test(comment[3]!)) throw new Error(`no type: ${each}`);
      current = { type: comment[3]!, help: help![1], samples: [] };
      families.set(comment[2]!, current);
    } else {
      const [, name, labelText = "", value] = line.exec(each) ?? [];
      if (name === undefined || current === undefined || families.get(name) !== current)
        throw new Error(`stray: ${each}`);
      const labels = parseLabels(labelText);
      const id = JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b))]);
      if (seen.has(id)) throw new Error(`twice: ${each}`);
      seen.add(id);
      current.samples.push({ name, labels, value: Number(value!.replace("Inf", "Infinity")) });
    }
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: [string, string][] = [];
  for (let rest = text; rest !== "";) {
    const found = pair.exec(rest);
    if (!found) throw new Error(`no labels: ${rest}`);
    labels.push([found[1]!, unescaped(found[2]!)]);
    rest = rest.slice(found[0].length);
  }
  return Object.fromEntries(labels);
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
}
