import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";

/** The commands that a help text lists, without `help` itself. */
function commandsIn(help: string): string[] {
  const list = help.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "";
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1]!);
  return names.filter((name) => name !== "help");
}

/** The lines of the example, which call the command. */
function examplesIn(help: string): string[] {
  return [...(help.split(/^Examples?.*:$/m)[1] ?? "").matchAll(/^ {2}l2p-edge (.+)$/gm)].map((match) => match[1]!);
}

async function helpOf(path: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runCli([...path, "--help"]);
  expect({ path, status, stderr }).toEqual({ path, status: 0, stderr: "" });
  return stdout;
}

describe("--help", () => {
  it("names every command that there must be", async () => {
    const expected = ["demo", "run", "camera", "predict", "snapshot", "model", "doctor"];
    expect(commandsIn(await helpOf([]))).toEqual(expect.arrayContaining(expected));
    expect(commandsIn(await helpOf(["snapshot"]))).toEqual(["show", "export", "restore", "diff"]);
    expect(commandsIn(await helpOf(["model"]))).toEqual(["list", "show", "verify"]);
  });

  it("of each command has an example, of that command and with options that it has", async () => {
    const paths: string[][] = [];
    for (const name of commandsIn(await helpOf([]))) {
      paths.push([name]);
      for (const inner of commandsIn(await helpOf([name]))) paths.push([name, inner]);
    }
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) {
      const help = await helpOf(path);
      const examples = examplesIn(help);
      expect(examples, `${path.join(" ")} --help`).not.toEqual([]);
      for (const example of examples) {
        if (commandsIn(help).length > 0) continue; // of one of its inner commands, which has it too
        expect(example.startsWith(path.join(" ")), example).toBe(true);
        const flags = [...example.matchAll(/ (--[a-z-]+)/g)].map((match) => match[1]!);
        expect(flags.filter((flag) => !help.includes(`${flag} `))).toEqual([]);
      }
    }
  });
});
