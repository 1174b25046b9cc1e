import { distinctUntilChanged } from "rxjs";
import type { Transport, TransportState } from "../edge/transport.ts";
import type { Log } from "../stream/parts.ts";

/** Tells the log, and whoever asks, how the connection is. */
export function tellBrokerNews(
  { state$ }: Pick<Transport, "state$">,
  brokerUrl: string,
  log: Log,
  onChange: (connected: boolean) => void,
): void {
  state$.pipe(distinctUntilChanged(sameNews)).subscribe((now) => {
    onChange(now.kind === "connected");
    if (now.kind === "connected") log("info", `connected to ${brokerUrl}, MQTT ${now.version === 5 ? "5" : "3.1.1"}`);
    if (now.kind === "offline") log("warn", `no broker: ${now.fault.code}: ${now.fault.message}. ${now.fault.hint}`);
  });
}

/** A broker that stays away for a week is told of once for a reason, not at every try. */
function sameNews(before: TransportState, now: TransportState): boolean {
  return before.kind === "offline" && now.kind === "offline" && before.fault.code === now.fault.code;
}
