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
const source = new EventSource("/events");
for (const [section, draw] of Object.entries(show)) {
  source.addEventListener(section, (event) => {
    latest[section] = JSON.parse(event.data);
    if (latest[section].now) setServerNow(latest[section].now);
    draw(latest[section]);
  });
}
// The browser tries again by itself.
source.addEventListener("error", () => showStatus("lost"));

// Ages grow although nothing comes; and nothing is sent while nothing changes.
setInterval(() => {
  for (const section of ["cameras", "snapshots"]) if (latest[section]) show[section](latest[section]);
}, 1000);
addEventListener("resize", () => latest.prompts && showPrompts(latest.prompts));
