import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { createProgram } from "../../src/cli/program.ts";
import { runCli } from "../support/cli.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const configs = readdirSync(join(root, "config")).filter((name) => name.endsWith(".yaml"));

/** Every command with its path, `["snapshot", "show"]`. */
function walk(command: Command, path: readonly string[] = []): (readonly [readonly string[], Command])[] {
  return command.commands.flatMap((inner) => {
    const inside = [...path, inner.name()];
    return [[inside, inner] as const, ...walk(inner, inside)];
  });
}

/** What `--help` prints, with its example. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part) }).outputHelp();
  return text;
}

const helps = walk(createProgram()).map(([path, command]) => [path.join(" "), helpOf(command)] as const);

/** The lines below `Example:`. */
function examplesIn(help: string): string[] {
  return (help.split(/^Examples?.*:\n/m)[1] ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.trim());
}

/** Reads a line as the shell and the program would; returns the command that it names. */
async function parse(line: string): Promise<string> {
  const program = createProgram();
  let named = "";
  for (const [path, command] of walk(program)) {
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
    if (command.commands.length === 0 || command.registeredArguments.length > 0)
      command.action(() => void (named = path.join(" ")));
  }
  const words = [...line.replaceAll(/ [<>|&].*$/g, "").matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare!,
  );
  await program.exitOverride().parseAsync(words, { from: "user" });
  return named;
}

describe("--help", () => {
  it("names every command that there must be", async () => {
    const expected = ["demo", "run", "camera", "predict", "snapshot", "model", "doctor"];
    const names = helps.map(([path]) => path);
    expect(names).toEqual(expect.arrayContaining(expected));
    expect(names.filter((path) => /^(snapshot|model) /.test(path))).toEqual([
      ...["show", "export", "restore", "diff"].map((name) => `snapshot ${name}`),
      ...["list", "pull", "import", "convert", "show", "verify"].map((name) => `model ${name}`),
    ]);
    const { status, stdout, stderr } = await runCli(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const name of expected) expect(stdout).toContain(`\n  ${name} `);
  });

  it.each(helps)("of %s has an example of it that parses", async (path, help) => {
    const lines = examplesIn(help).filter((line) => line.startsWith("l2p-edge "));
    expect(lines).not.toEqual([]);
    for (const line of lines)
      expect(`${await parse(line.slice("l2p-edge ".length))} `).toMatch(new RegExp(`^${path} `));
  });
});

describe("lines to paste", () => {
  const documents = ["README.md", "models/README.md", "deploy/README.md", ...configs.map((name) => `config/${name}`)];
  const helpLines = helps.flatMap(([path, help]) => examplesIn(help).map((line) => [`${path} --help`, line] as const));
  const pasted = documents.flatMap((file) =>
    [...read(file).matchAll(/^[ #]*(?:[A-Z_0-9]+=\S+ )?((?:npx l2p-edge|npm start --) .+)$/gm)].map(
      ([, line]) => [file, line!] as const,
    ),
  );

  it.each(pasted)("of %s parse: %s", async (_, line) => {
    const command = line.replace(/^npx l2p-edge /, "").replace(/^npm start -- /, "demo ");
    expect(await parse(command)).not.toBe("");
  });

  it("name nodes, folders and files of the examples in config/", () => {
    const settings = configs.map((name) => parseYaml(read(`config/${name}`)) as Record<string, Record<string, string>>);
    const nodes = settings.map(({ node }) => node!["id"]!);
    const folders = settings.map(({ state }) => state!["folder"]!);
    const lines = [...helpLines, ...pasted];
    const named = (pattern: RegExp): string[] =>
      lines.flatMap(([, line]) => [...line.matchAll(pattern)].map((m) => m[1]!));
    const unknown = (names: readonly string[], known: readonly string[]): string[] => {
      expect(names.length).toBeGreaterThan(1);
      return names.filter((name) => !known.includes(name));
    };
    expect(unknown(named(/(?:--node | l2p\/)([^/ ]+)/g), nodes)).toEqual([]);
    expect(unknown(named(/(?:--state|snapshot show) ([^\s.]+)(?= |$)/g), folders)).toEqual([]);
    expect(
      unknown(
        named(/--config (\S+)/g),
        configs.map((name) => `config/${name}`),
      ),
    ).toEqual([]);
  });
});
