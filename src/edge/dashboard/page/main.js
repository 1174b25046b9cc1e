import { showCameras } from "./cameras.js";
import { showHistory, startChart } from "./chart.js";
import { startCommands } from "./commands.js";
import { showConfusion } from "./confusion.js";
import { showClasses, showEvents, showSnapshots, showStatus, showSummary } from "./panels.js";
import { showPrompts } from "./prompts.js";
import { knowLabels, showAsks, startTeach } from "./teach.js";
import { startTheme } from "./theme.js";
import { setServerNow } from "./time.js";

const show = {
  summary: showSummary,
  cameras: showCameras,
  history: showHistory,
  asks: showAsks,
  classes(classes) {
    showClasses(classes);
    knowLabels(classes);
  },
  confusion: showConfusion,
  prompts: showPrompts,
  snapshots: showSnapshots,
  events: showEvents,
};

startTheme();
startChart();
startTeach();
startCommands();

const latest = {};
const againMs = 5000;

function listen() {
  const source = new EventSource("/events");
  for (const [section, draw] of Object.entries(show)) {
    source.addEventListener(section, (event) => {
      latest[section] = JSON.parse(event.data);
      if (latest[section].now) setServerNow(latest[section].now);
      draw(latest[section]);
    });
  }
  source.addEventListener("error", () => {
    showStatus("lost");
    // The browser tries again by itself, but not after an answer that is no stream: a proxy's, or that of a session that ended.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => void listenAgain(), againMs);
  });
}

async function listenAgain() {
  const { status } = await fetch("/state", { method: "HEAD" }).catch(() => ({ status: 0 }));
  if (status === 401) location.reload();
  else listen();
}

listen();

// Ages grow although nothing comes; and nothing is sent while nothing changes.
setInterval(() => {
  for (const section of ["cameras", "snapshots"]) if (latest[section]) show[section](latest[section]);
}, 1000);
addEventListener("resize", () => latest.prompts && showPrompts(latest.prompts));
