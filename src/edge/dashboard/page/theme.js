import { byId } from "./dom.js";

/** Follows the system until someone chooses; the choice is this browser's. */
const names = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
const order = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  const saved = localStorage.getItem("theme");
  return order.includes(saved) ? saved : "auto";
}

function apply() {
  const choice = chosen();
  const isDark = choice === "auto" ? dark.matches : choice === "dark";
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  byId("theme").lastElementChild.textContent = names[choice];
  byId("theme").setAttribute("aria-label", names[choice]);
}

export function startTheme() {
  apply();
  dark.addEventListener("change", apply);
  byId("theme").addEventListener("click", () => {
    localStorage.setItem("theme", order[(order.indexOf(chosen()) + 1) % order.length]);
    apply();
  });
}
