import { allowCommands, labelButtons, restoreButton } from "./commands.js";
import { bar, byId, element, setText } from "./dom.js";
import { age, bytes, clock, number, percent } from "./format.js";
import { showHeads } from "./prompts.js";
import { showRuns } from "./runs.js";
import { allowTeach } from "./teach.js";
import { serverNow } from "./time.js";

export function showSummary(summary) {
  setText(byId("node"), summary.node);
  document.title = `${summary.node} · l2p-edge`;
  showStatus(summary.status, summary.paused);
  allowTeach(summary.teach);
  allowCommands(summary.teach, summary.paused);
  showRuns(summary);
  const facts = [summary.model, summary.provider, `up ${age(serverNow() - summary.startedAt)}`];
  if (summary.memoryBytes) facts.push(`${bytes(summary.memoryBytes)} memory`);
  setText(byId("facts"), facts.filter(Boolean).join(" · "));
  setText(byId("window-key"), `last ${summary.windowLength} labels`);
  showHeads(summary.heads);
  const { latencyMs, rates, dropped, rejected } = summary;
  const latency = latencyMs?.prediction;
  showTiles([
    ["Accuracy, lately", percent(summary.windowed), `of ${summary.windowLength}`, "lead"],
    ["Accuracy, overall", percent(summary.overall)],
    ["Labels learned", number(summary.learned)],
    ["Different labels", number(summary.labels)],
    ["Frames a second", rates?.framesPerSecond.toFixed(1) ?? "–"],
    ["Latency, median", latency ? latency.p50.toFixed(0) : "–", latency ? `ms, p99 ${latency.p99.toFixed(0)}` : ""],
    ["Frames dropped", dropped === undefined ? "–" : number(dropped), rejected ? `${number(rejected)} refused` : ""],
    ["Pool version", number(summary.poolVersion)],
  ]);
}

export function showStatus(status, paused = false) {
  const pill = byId("status");
  const words = paused && status === "online" ? "online, learning paused" : status;
  setText(pill, status === "lost" ? "connection lost, trying again" : words);
  pill.dataset.status = status;
}

function showTiles(tiles) {
  const list = byId("tiles");
  if (list.children.length !== tiles.length) {
    list.replaceChildren(
      ...tiles.map(([name, , , kind = ""]) =>
        element(
          "div",
          { className: kind },
          element("dt", {}, name),
          element("dd", {}, element("span"), element("small")),
        ),
      ),
    );
  }
  tiles.forEach(([, value, unit = ""], i) => {
    const [text, small] = list.children[i].querySelectorAll("span, small");
    setText(text, value);
    setText(small, unit);
  });
}

export function showClasses(classes) {
  // A button that is being used stays where it is.
  if (byId("classes").contains(document.activeElement)) return;
  const rows = classes.map(({ label, count, judged, right, recent }) =>
    element(
      "tr",
      { className: recent !== null && recent < 0.6 ? "weak" : "" },
      element("td", {}, label),
      element("td", { className: "number" }, number(count)),
      element("td", { className: "number" }, percent(judged ? right / judged : null)),
      element(
        "td",
        {},
        element("div", { className: "between" }, bar(recent ?? 0), element("span", {}, percent(recent))),
      ),
      element("td", { className: "for-teachers" }, labelButtons(label)),
    ),
  );
  byId("classes").replaceChildren(...rows);
}

export function showSnapshots(snapshots) {
  if (byId("snapshots").contains(document.activeElement)) return;
  const rows = snapshots.map((snapshot) => {
    const { poolVersion, accuracy, sizeBytes, publishedBytes, createdAt } = snapshot;
    return element(
      "tr",
      {},
      element("td", {}, number(poolVersion)),
      element("td", { className: "number" }, percent(accuracy)),
      element("td", { className: "number" }, bytes(sizeBytes)),
      element("td", { className: "number" }, publishedBytes === null ? "–" : bytes(publishedBytes)),
      element("td", { className: "number" }, age(serverNow() - Date.parse(createdAt))),
      element("td", { className: "for-teachers" }, element("span", { className: "actions" }, restoreButton(snapshot))),
    );
  });
  byId("snapshots").replaceChildren(...rows);
}

const marks = { label: "▲", drift: "◆", phase: "▸", note: "·", snapshot: "↧", status: "●", rejected: "✗", camera: "◉" };

export function showEvents(lines) {
  const items = lines.map(({ at, kind, text, times }) => {
    const mark = element("b", {}, marks[kind] ?? "·");
    mark.setAttribute("aria-hidden", "true");
    const words = times > 1 ? `${text} (${number(times)} times)` : text;
    return element("li", { className: kind }, mark, element("span", {}, words), element("time", {}, clock(at)));
  });
  byId("events").replaceChildren(...items);
}
