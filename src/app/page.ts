import type { Observable } from "rxjs";
import { createDashboard, type Dashboard } from "../edge/dashboard/dashboard.ts";
import type { Monitor } from "../edge/monitor/monitor.ts";
import type { SnapshotStore } from "../edge/store.ts";
import type { Topics } from "../message/topic.ts";
import type { LoadedSettings } from "../settings/load.ts";
import type { Log, RawMessage } from "../stream/parts.ts";
import type { Pipeline } from "../stream/pipeline.ts";
import { pageDoor } from "./page-door.ts";

export interface PageParts {
  readonly topics: Topics;
  /** The backbone's name. */
  readonly model: string;
  readonly monitor: Pick<Monitor, "answer">;
  readonly store: Pick<SnapshotStore, "list">;
  readonly log: Log;
}

/** The live page, where the settings want one, with what people do on it. */
export interface Page {
  readonly dashboard: Dashboard | undefined;
  /** For the pipeline, beside the transport's. */
  readonly raw$: Observable<RawMessage>;
  /** Hears what becomes of it; before `connect`. */
  follow(flow: Pipeline): void;
  /** Shows what is on disk. Never rejects. */
  checkpoints(): Promise<void>;
  /** Shows it when a checkpoint was written, or was not; what `saving` ends with is passed on. */
  checkpointsAfter<T>(saving: Promise<T>): Promise<T>;
}

/** @throws AppError `dashboard/listen`, `dashboard/no-token`, `dashboard/weak-token` */
export async function openPage(settings: LoadedSettings, parts: PageParts): Promise<Page> {
  const { topics, model, monitor, store, log } = parts;
  const { dashboard: chosen, dashboardToken, node, stream } = settings;
  const door = pageDoor({ topics });
  const dashboard = chosen.enabled
    ? await createDashboard({
        ...chosen,
        token: dashboardToken?.reveal(),
        door: chosen.teach ? door : undefined,
        get labelWindowMs() {
          return stream.labelWindowMs;
        },
        node: node.id,
        model,
        monitor,
      })
    : undefined;
  async function checkpoints(): Promise<void> {
    try {
      dashboard?.checkpoints(await store.list());
    } catch (error) {
      log("warn", "the page cannot show the checkpoints", error);
    }
  }

  return {
    dashboard,
    raw$: door.raw$,
    follow: (flow) => door.follow(flow),
    checkpoints,
    async checkpointsAfter(saving) {
      try {
        return await saving;
      } finally {
        await checkpoints();
      }
    },
  };
}
