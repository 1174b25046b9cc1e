/** Small helpers. Text goes in as text, never as markup: labels come from outside. */

const svgNamespace = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** A bar filled to `share` (0…1); its number stands beside it as text. */
export function bar(share) {
  const fill = element("i");
  fill.style.width = `${100 * share}%`;
  const node = element("span", { className: "bar" }, fill);
  node.setAttribute("aria-hidden", "true");
  return node;
}

/** Changes the text only where it differs, so that a selection in it lives on. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
