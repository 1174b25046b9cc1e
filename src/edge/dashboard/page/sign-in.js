import { byId, setText } from "./dom.js";
import { send } from "./send.js";

const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = dark ? "dark" : "light";

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn();
});

async function signIn() {
  const { outcome } = await send("/sign-in", { token: byId("token").value.trim() });
  if (outcome === "done") location.assign("/");
  else setText(byId("sign-in-status"), "That is not the token.");
}
