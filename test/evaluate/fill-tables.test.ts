import { describe, expect, it } from "vitest";
import { fillTables } from "../../src/evaluate/report/fill-tables.ts";
import { cellResult } from "../support/cell-result.ts";

const heads = {
  prompted: { averageAccuracy: 0.25, prequential: 0.5 },
  statistics: { averageAccuracy: 0.5, prequential: 0.75 },
};
const results = [
  cellResult({ spec: { method: "stream", seed: 1 }, metrics: { heads, averageAccuracy: 0.7 } }),
  cellResult({ spec: { method: "ncm", seed: 1 }, metrics: { averageAccuracy: 0.5 } }),
  cellResult({ spec: { method: "ncm", seed: 2 }, metrics: { averageAccuracy: 0.6 } }),
  cellResult({ spec: { scenario: "drift", method: "slda" } }),
  cellResult({ spec: { scenario: "stationary", method: "stream" }, drift: { error: [7], similarity: [] } }),
];
const watched = cellResult({
  spec: { scenario: "drift", method: "stream" },
  drift: { error: [3, 25], similarity: [30] },
});
const group = "parts-3-per-class-tiny";
const marker = (options = ""): string => `<!-- results: ${group}${options} -->`;
const filled = (text: string): string[] => fillTables(text, results).split("\n");

describe("tables between markers", () => {
  it("are narrow, say how much was played, and leave the rest of the text alone", () => {
    const text = `# Before\n\n${marker()}\n| old | 99.9 |\n<!-- end -->\n\nAfter.\n`;
    expect(filled(text)).toEqual([
      "# Before",
      "",
      marker(),
      "`parts` on tiny; 40 frames of 4 classes (3 of each); 20 test images; mean ± deviation over seeds 1, 2. Accuracies in %:",
      "",
      "| method | average accuracy | forgetting | prequential | A_auc | A_last | state |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
      "| ncm | 55.0 ± 7.1 | 40.0 ± 0.0 | 50.0 ± 0.0 | 75.0 ± 0.0 | 60.0 ± 0.0 | 20 kB |",
      "| stream (1 seed) | 70.0 | 40.0 | 50.0 | 75.0 | 60.0 | 20 kB |",
      "| stream: prompted head (1 seed) | 25.0 |  | 50.0 |  |  |  |",
      "| stream: statistics head (1 seed) | 50.0 |  | 75.0 |  |  |  |",
      "<!-- end -->",
      "",
      "After.",
      "",
    ]);
  });

  it("have the columns and rows that the marker names, in its order", () => {
    const options = " | columns: prequential, average accuracy | methods: stream: statistics head, stream";
    expect(filled(`${marker(options)}\n<!-- end -->`).slice(1, -1)).toEqual([
      "`parts` on tiny; 40 frames of 4 classes (3 of each); 20 test images; seed 1. Accuracies in %:",
      "",
      "| method | prequential | average accuracy |",
      "| --- | ---: | ---: |",
      "| stream: statistics head | 75.0 | 50.0 |",
      "| stream | 50.0 | 70.0 |",
    ]);
  });

  it("come out the same when filled again", () => {
    const text = `<!-- methods -->\n<!-- end -->\n\n${marker()}\n<!-- end -->\n`;
    const once = fillTables(text, results);
    expect(once).not.toBe(text);
    expect(fillTables(once, results)).toBe(once);
  });

  it("tell what drift detectors noticed, of several groups in one table", () => {
    const names = "drift-3-per-class-tiny stationary-3-per-class-tiny";
    const text = `<!-- alarms: ${names} | methods: stream -->\n<!-- end -->`;
    expect(
      fillTables(text, [...results, watched])
        .split("\n")
        .slice(1, -1),
    ).toEqual([
      "| stream | drift detector | changes noticed | frames until then | false alarms in 10,000 frames |",
      "| --- | ---: | ---: | ---: | ---: |",
      "| drift on tiny, 40 frames | stream: error | 1 of 1 | 5 | 250.0 |",
      "| drift on tiny, 40 frames | stream: similarity | 1 of 1 | 10 | 0.0 |",
      "| stationary on tiny, 40 frames | stream: error | – | – | 250.0 |",
      "| stationary on tiny, 40 frames | stream: similarity | – | – | 0.0 |",
    ]);
  });

  it("tell once what the methods of all tables are", () => {
    const tables = [marker(" | methods: stream"), "<!-- results: drift-3-per-class-tiny -->"];
    const text = `${tables.map((table) => `${table}\n<!-- end -->\n`).join("")}<!-- methods -->\n<!-- end -->`;
    const lines = filled(text);
    expect(lines.slice(lines.indexOf("<!-- methods -->") + 1)).toEqual([
      "- `slda`: streaming linear discriminant analysis, of q(x)",
      "- `stream`: the product's stream learner: prompts and statistics, combined",
      "<!-- end -->",
    ]);
  });
});

describe("a marker that cannot be filled", () => {
  it.each([
    ["a group", "<!-- results: split -->\n<!-- end -->", `only ${group}, drift-3-per-class-tiny`],
    ["what watched for drift", "<!-- alarms: drift-3-per-class-tiny -->\n<!-- end -->", "no drift detector watched"],
    ["a method", `${marker(" | methods: slda")}\n<!-- end -->`, "slda"],
    ["a column", `${marker(" | columns: speed")}\n<!-- end -->`, "average accuracy"],
    ["an option", `${marker(" | rows: ncm")}\n<!-- end -->`, "rows: ncm"],
    ["an end", `${marker()}\n`, "<!-- end -->"],
    ["its own end", `${marker()}\n${marker()}\n<!-- end -->`, "<!-- end -->"],
  ])("says so where %s is missing", (_, text, hint) => {
    expect(() => fillTables(text, results)).toThrow(
      expect.objectContaining({ code: "evaluate/markdown", message: expect.stringContaining(hint) }),
    );
  });

  it("is one whose cells saw different images", () => {
    const others = [...results, cellResult({ spec: { method: "slda", images: "2".repeat(64) } })];
    expect(() => fillTables(`${marker()}\n<!-- end -->`, others)).toThrow("other images");
  });
});
