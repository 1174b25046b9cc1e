import { byId, setText, svg } from "./dom.js";
import { clock, percent } from "./format.js";

export function showPrompts({ use, active, columns, now }) {
  showBars(use, active);
  showOverTime(use.length, columns, now);
}

function showBars(use, active) {
  const box = byId("prompts");
  const { clientWidth: width, clientHeight: height } = box;
  const total = use.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...use);
  const step = width / Math.max(1, use.length);
  const bars = use.flatMap((count, id) => {
    const tall = Math.max(2, ((height - 40) * count) / most);
    const middle = step * (id + 0.5);
    const shape = { x: step * (id + 0.14), y: height - 20 - tall, width: step * 0.72, height: tall, rx: 3 };
    const share = svg(
      "text",
      { x: middle, y: height - 25 - tall, "text-anchor": "middle" },
      total ? String(Math.round((100 * count) / total)) : "",
    );
    return [
      svg("rect", { ...shape, class: active.includes(id) ? "used active" : "used" }),
      ...(step > 22 ? [share] : []),
      ...(step > 16 || id % 5 === 0
        ? [svg("text", { x: middle, y: height - 5, "text-anchor": "middle" }, String(id))]
        : []),
    ];
  });
  box.replaceChildren(svg("svg", { width, height, "aria-hidden": "true" }, ...bars));
  const words = use.map((count, id) => `${id}: ${percent(total ? count / total : 0)}`).join(", ");
  box.setAttribute("aria-label", `Share of each prompt in all selections, percent. ${words}`);
}

/** A row for each prompt, a column for each stretch of time; the darker, the more it was used then. */
function showOverTime(prompts, columns, now) {
  const box = byId("prompt-time");
  const { clientWidth: width, clientHeight: height } = box;
  const left = 22;
  const bottom = 18;
  const tall = (height - bottom) / Math.max(1, prompts);
  const begin = columns[0]?.at ?? now;
  const span = Math.max(1, now - begin);
  const x = (at) => left + ((width - left) * (at - begin)) / span;
  const cells = columns.flatMap(({ at, counts }, i) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const wide = Math.max(1, x(columns[i + 1]?.at ?? now) - x(at));
    return counts.map((count, id) =>
      svg("rect", {
        class: "cell",
        x: x(at).toFixed(1),
        y: (tall * id + 0.5).toFixed(1),
        width: (wide + 0.4).toFixed(1),
        height: (tall - 1).toFixed(1),
        // A prompt in half of the selections is as dark as it gets.
        "fill-opacity": Math.min(1, (2 * count) / total).toFixed(2),
      }),
    );
  });
  const ids = Array.from({ length: prompts }, (_, id) => id)
    .filter((id) => tall > 10 || id % Math.ceil(11 / tall) === 0)
    .map((id) => svg("text", { x: left - 6, y: tall * (id + 0.5) + 4, "text-anchor": "end" }, String(id)));
  const ends = [
    svg("text", { x: left, y: height - 3 }, columns.length > 0 ? clock(begin) : ""),
    svg("text", { x: width, y: height - 3, "text-anchor": "end" }, columns.length > 0 ? "now" : ""),
  ];
  box.replaceChildren(svg("svg", { width, height, "aria-hidden": "true" }, ...cells, ...ids, ...ends));
  box.setAttribute("aria-label", `Use of ${prompts} prompts over time. ${inWords(columns)}`);
}

function inWords(columns) {
  const last = columns.at(-1);
  if (!last) return "None was used yet.";
  const total = last.counts.reduce((sum, count) => sum + count, 0);
  const most = last.counts.map((count, id) => ({ id, count })).toSorted((a, b) => b.count - a.count);
  return `Most used lately: ${most
    .slice(0, 3)
    .map(({ id, count }) => `${id} (${percent(count / total)})`)
    .join(", ")}.`;
}

/** What each head alone gets right lately, and what it weighs in the answer. */
export function showHeads(list = []) {
  const words = list.map(
    ({ name, accuracy, weight }) => `${name} head ${percent(accuracy)} right, weight ${percent(weight)}`,
  );
  setText(byId("heads"), words.join(" · "));
}
