import { byId, element } from "./dom.js";
import { bytes, number } from "./format.js";

const ms = (value) => (value === undefined ? "–" : value.toFixed(value < 10 ? 1 : 0));

const perSecond = (value) => (value === undefined ? "–" : `${value.toFixed(1)} a second`);

const times = (what, one) =>
  element(
    "tr",
    {},
    element("th", { scope: "row" }, what),
    ...["p50", "p90", "p99", "max"].map((name) => element("td", { className: "number" }, ms(one?.[name]))),
  );

/** Speed, waiting times, and what was lost. */
export function showRuns(summary) {
  const { rates, latencyMs, drops = {}, rejects = {}, provider, memoryBytes, temperatureC } = summary;
  byId("latency").replaceChildren(times("prediction", latencyMs?.prediction), times("learning", latencyMs?.learning));
  const lines = [
    ["Runs on", provider ?? "–"],
    ["Frames", perSecond(rates?.framesPerSecond)],
    ["Predictions", perSecond(rates?.predictionsPerSecond)],
    ["Labels learned", perSecond(rates?.learnedPerSecond)],
    ["Labels waiting", `${number(summary.pending ?? 0)}, journal ${bytes(summary.journalBytes ?? 0)}`],
    ["Frames dropped", counts(drops)],
    ["Refused", counts(rejects)],
    ["Memory", memoryBytes === undefined ? "–" : bytes(memoryBytes)],
    ...(typeof temperatureC === "number" ? [["Temperature", `${temperatureC.toFixed(0)} °C`]] : []),
  ];
  byId("runs").replaceChildren(
    ...lines.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function counts(of) {
  const words = Object.entries(of)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${number(count)}`);
  return words.length > 0 ? words.join(", ") : "none";
}
