import { byId, element, setText } from "./dom.js";
import { number } from "./format.js";

export function showConfusion({ labels, rows, left }) {
  byId("no-confusion").hidden = labels.length > 0;
  byId("confusion").hidden = labels.length === 0;
  const head = element("tr", {}, corner(), ...labels.map((label) => heading("col", element("span", {}, label))));
  const body = rows.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return element("tr", {}, heading("row", labels[i]), ...row.map((count, j) => cell(count, total, i === j)));
  });
  byId("confusion").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  setText(byId("confused"), worst(labels, rows, left));
}

function corner() {
  return element("td", {}, element("small", {}, "is ↓ said →"));
}

function heading(scope, content) {
  const node = element("th", { scope });
  node.append(content);
  return node;
}

function cell(count, total, isRight) {
  const node = element("td", { className: isRight ? "hit" : "miss" }, count === 0 ? "" : number(count));
  // Full strength would hide the number.
  if (count > 0) node.style.setProperty("--share", `${Math.round(12 + 43 * (count / total))}%`);
  return node;
}

function worst(labels, rows, left) {
  const pairs = rows.flatMap((row, i) => row.map((count, j) => ({ count, i, j }))).filter(({ i, j }) => i !== j);
  const top = pairs
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, 2);
  const words = top.map(({ count, i, j }) => `${labels[i]} taken for ${labels[j]} ${number(count)} times`);
  const more = left > 0 ? ` ${number(left)} rarer labels are not shown.` : "";
  return words.length > 0 ? `Most often: ${words.join(", ")}.${more}` : more;
}
