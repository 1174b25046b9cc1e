import { byId, element, setText } from "./dom.js";
import { number } from "./format.js";
import { refusal, send } from "./send.js";

let isAllowed = false;

export function allowCommands(allowed, paused) {
  if (allowed !== isAllowed) document.documentElement.classList.toggle("teaches", allowed);
  isAllowed = allowed;
  byId("pause").hidden = !allowed;
  setText(byId("pause"), paused ? "Resume learning" : "Pause learning");
  byId("pause").dataset.command = paused ? "resume-learning" : "pause-learning";
}

export function startCommands() {
  byId("pause").addEventListener("click", () => void run(byId("pause").dataset.command, {}));
  byId("take").addEventListener("click", () => void run("snapshot", {}));
  byId("rollback").addEventListener("click", () =>
    confirmed({
      title: "Roll back by one snapshot?",
      words: "The box goes on from the snapshot before the newest one; what it learned since is no longer in use.",
      action: "Roll back",
      run: () => run("rollback", { steps: 1 }),
    }),
  );
  // No submit button: Enter in the field would press the first one.
  byId("dialog-cancel").addEventListener("click", () => byId("dialog").close());
  byId("dialog").addEventListener("close", () => {
    const { returnValue } = byId("dialog");
    const act = pending;
    pending = null;
    if (returnValue === "go") void act?.();
  });
}

let pending = null;

/** Asks first. @param input The name of a text to ask for, which `run` is given. */
function confirmed({ title, words, action, run: act, input = "" }) {
  const dialog = byId("dialog");
  const field = byId("dialog-input");
  setText(byId("dialog-title"), title);
  setText(byId("dialog-words"), words);
  setText(byId("dialog-go"), action);
  field.parentNode.hidden = input === "";
  field.required = input !== "";
  field.value = "";
  setText(field.previousElementSibling, input);
  pending = () => act(field.value.trim());
  dialog.returnValue = "";
  dialog.showModal();
}

/** Runs it, and shows the reply where all can read it. */
async function run(name, given) {
  tell(`${name} …`, "");
  const answer = await send(`/command/${name}`, given);
  if (answer.outcome !== "done") tell(`${name}: ${refusal(answer)}`, "is-wrong");
  else {
    const { poolVersion } = answer.result;
    tell(`${name}: done${poolVersion === undefined ? "" : `, pool version ${number(poolVersion)}`}.`, "is-right");
  }
}

function tell(words, kind) {
  const reply = byId("reply");
  reply.className = `reply ${kind}`;
  reply.hidden = false;
  setText(reply, words);
}

export function restoreButton({ name, poolVersion }) {
  const button = element("button", { type: "button", className: "small" }, "Restore");
  button.setAttribute("aria-label", `Restore version ${poolVersion}`);
  button.addEventListener("click", () =>
    confirmed({
      title: `Restore version ${number(poolVersion)}?`,
      words: "The box goes on from this snapshot; what it learned since is no longer in use.",
      action: "Restore",
      run: () => run("restore", { checkpoint: name }),
    }),
  );
  return button;
}

export function labelButtons(label) {
  const rename = element("button", { type: "button", className: "small" }, "Rename");
  rename.setAttribute("aria-label", `Rename ${label}`);
  rename.addEventListener("click", () =>
    confirmed({
      title: `Rename “${label}”`,
      words: "What was learned stays; frames are named anew from now on.",
      action: "Rename",
      input: "New name",
      run: (to) => run("rename-label", { from: label, to }),
    }),
  );
  const forget = element("button", { type: "button", className: "small" }, "Forget");
  forget.setAttribute("aria-label", `Forget ${label}`);
  forget.addEventListener("click", () =>
    confirmed({
      title: `Forget “${label}”?`,
      words: "The box will not name it again until it is taught anew.",
      action: "Forget",
      run: () => run("forget-label", { label }),
    }),
  );
  return element("span", { className: "actions" }, rename, forget);
}
