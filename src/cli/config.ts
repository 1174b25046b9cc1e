import { Command } from "commander";
import type { OriginatedSetting } from "../settings/origins.ts";

export function configCommand(): Command {
  return new Command("config")
    .description("Checks a configuration file, and shows what holds.")
    .addHelpText("after", "\nExample:\n  l2p-edge config check --config config/one-camera.yaml")
    .addCommand(
      new Command("check")
        .description("Tell every fault of a configuration, with its line; exit status 1 where there is one.")
        .requiredOption("--config <file>", "YAML; see config/ for commented examples")
        .addHelpText(
          "after",
          `
The environment counts, as in \`run\`, and so do the files that it names.
Example:
  l2p-edge config check --config config/one-camera.yaml`,
        )
        .action(check),
    )
    .addCommand(
      new Command("show")
        .description("Print every effective setting with where it comes from, as YAML; passwords are not shown.")
        .option("--config <file>", "default: none, the defaults and the environment alone")
        .option("--changed", "only what is no default")
        .option("--json", "as a list of {path, value, origin}")
        .addHelpText(
          "after",
          `
Example:
  l2p-edge config show --changed --config config/one-camera.yaml`,
        )
        .action(show),
    )
    .addCommand(
      new Command("schema")
        .description("Print the JSON Schema of the configuration, for editors.")
        .addHelpText("after", "\nExample:\n  l2p-edge config schema > l2p-edge.schema.json")
        .action(schema),
    );
}

async function check({ config }: { config: string }): Promise<void> {
  const { settingsWithOrigins } = await import("../settings/origins.ts");
  const { loadSettings } = await import("../settings/load.ts");
  for (const warning of loadSettings(config, process.env).warnings) process.stderr.write(`${warning}\n`);
  const given = settingsWithOrigins(config, process.env).filter(isGiven);
  process.stdout.write(`${config} is fine: ${given.length} settings besides the defaults\n`);
}

interface ShowOptions {
  readonly config?: string;
  readonly changed?: true;
  readonly json?: true;
}

async function show({ config, changed, json }: ShowOptions): Promise<void> {
  const { settingsWithOrigins } = await import("../settings/origins.ts");
  const all = settingsWithOrigins(config, process.env);
  const shown = changed ? all.filter(isGiven) : all;
  if (json) process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else process.stdout.write(asYaml(shown));
}

async function schema(): Promise<void> {
  const { settingsJsonSchema } = await import("../settings/schema.ts");
  process.stdout.write(`${JSON.stringify(settingsJsonSchema(), null, 2)}\n`);
}

function isGiven({ origin }: OriginatedSetting): boolean {
  return origin !== "default";
}

/** A configuration file that says the same, each line with its origin. Keys of one section stand together. */
function asYaml(settings: readonly OriginatedSetting[]): string {
  const lines: { text: string; origin: string }[] = [];
  let open: readonly string[] = [];
  for (const { path, value, origin } of settings) {
    const sections = path.slice(0, -1);
    const shared = sections.findIndex((key, i) => key !== open[i]);
    for (let i = shared === -1 ? sections.length : shared; i < sections.length; i++) {
      lines.push({ text: `${"  ".repeat(i)}${sections[i]}:`, origin: "" });
    }
    open = sections;
    lines.push({ text: `${"  ".repeat(sections.length)}${path.at(-1)}: ${JSON.stringify(value)}`, origin });
  }
  const width = Math.min(60, Math.max(0, ...lines.map(({ text }) => text.length)));
  return lines.map(({ text, origin }) => (origin === "" ? text : `${text.padEnd(width)} # ${origin}`) + "\n").join("");
}
