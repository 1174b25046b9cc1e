import type { Logger } from "pino";
import { lastValueFrom, merge, type Observable, Subject, takeUntil } from "rxjs";
import { embeddedBroker } from "../edge/broker.ts";
import type { Dashboard } from "../edge/dashboard/dashboard.ts";
import { systemd } from "../edge/systemd.ts";
import { isAppError } from "../kernel/errors.ts";
import { createLearner } from "../learner/learner.ts";
import type { Learner } from "../learner/types.ts";
import type { Status } from "../message/status.ts";
import { topics as topicsOf } from "../message/topic.ts";
import { liveView } from "../settings/live-view.ts";
import type { LoadedSettings } from "../settings/load.ts";
import type { LearnedLabel, Predicted, Refused } from "../stream/outcome.ts";
import type { Log } from "../stream/parts.ts";
import { pipeline } from "../stream/pipeline.ts";
import { openBackbone } from "./backbone.ts";
import { backboneOptions } from "./backbone-options.ts";
import { tellBrokerNews } from "./broker-news.ts";
import { commandService } from "./commands.ts";
import { driftParts } from "./drift-parts.ts";
import { openDurableState } from "./durable-state.ts";
import { openForwarding } from "./forwarding.ts";
import { homeAssistant, homeAssistantTopics } from "./home-assistant.ts";
import { learnerSettings } from "./learner-settings.ts";
import { followLevel, type LiveSettings, liveSettings } from "./live-settings.ts";
import { openMonitoring } from "./monitoring.ts";
import { outputs } from "./outputs.ts";
import { openPage } from "./page.ts";
import { createPublisher } from "./publisher.ts";
import { cameraSources } from "./sources.ts";
import { streamBounds } from "./stream-bounds.ts";
import { clientIdOf, nodeTopics, transportFor } from "./transport.ts";
import { tellProvider, whileWarming } from "./warm-up.ts";
import { openWarming } from "./warming.ts";
import { warmStart } from "./warm-start.ts";

/** How long a snapshot to start from is waited for, ms. */
const WARM_START_WAIT_MS = 5000;
/** What systemd is asked to wait for a start, ms; while the backbone is made, it is asked again and again. */
const WARMING_MS = 2 * 60_000;

/** A running node. */
export interface RunningService {
  /** The broker it is connected to, or the embedded one. */
  readonly brokerUrl: string;
  readonly dashboard: Dashboard | undefined;
  /** Where metrics and health are, beside the page's address. */
  readonly monitorUrl: string | undefined;
  /** Which engine and provider really run, e.g. `onnx/cpu`. */
  readonly runs: string;
  readonly prediction$: Observable<Predicted>;
  readonly learned$: Observable<LearnedLabel>;
  readonly rejected$: Observable<Refused>;
  /** Takes over what can change alive (`isAlive`); the rest needs a restart. The log tells both. */
  reload(settings: LoadedSettings): void;
  /** Finishes what is in flight, writes a checkpoint, says `stopped` (`offline` of a pipeline that failed), and lets go of everything. Idempotent. */
  stop(): Promise<void>;
  /** Rejects with the bug that ended the pipeline; resolves after a stop. */
  readonly ended: Promise<unknown>;
}

interface Starting {
  /** What was started and must be let go of, last first. */
  readonly undo: (() => Promise<unknown>)[];
  readonly release: () => Promise<void>;
  /** Throws when nobody wants the node any more. */
  readonly goOn: () => void;
}

/**
 * Wires a node and starts it: broker, backbone, state, learner, pipeline, page. An abort while it starts is heard
 * between its steps (the long ones load a large model, or wait for a snapshot to start from); later it changes nothing.
 * @throws AppError of whichever part does not start, or the signal's reason; everything before it is stopped again.
 */
export async function startService(
  loaded: LoadedSettings,
  logger: Logger,
  signal?: AbortSignal,
): Promise<RunningService> {
  const log: Log = (level, message, cause) => logger[level](cause === undefined ? {} : { err: cause }, message);
  const undo: Starting["undo"] = [];
  const release = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) {
      await step().catch((error: unknown) => log("error", "something did not stop cleanly", error));
    }
  };
  try {
    const live = liveSettings(loaded, log);
    followLevel(live, logger);
    const service = await start(live, log, { undo, release, goOn: () => signal?.throwIfAborted() });
    if (signal?.aborted) await service.stop(); // it is online by now
    signal?.throwIfAborted();
    return service;
  } catch (error) {
    await release();
    throw error;
  }
}

async function start(live: LiveSettings, log: Log, { undo, release, goOn }: Starting): Promise<RunningService> {
  const { settings } = live;
  const { node, stream, snapshot } = settings;
  goOn();
  const notify = systemd();
  await notify.extendTimeout(WARMING_MS);
  for (const warning of settings.warnings) log("warn", warning);
  const topics = topicsOf(node.base, node.id);
  const clientId = clientIdOf(settings);

  // First: a node that runs already keeps its status.
  const state = await openDurableState(liveView(() => ({ ...settings.state, keep: snapshot.keep, log })));
  undo.push(() => state.close());
  // Before the long steps: it says `warming`.
  const monitor = await openMonitoring(settings.monitor, () => settings.monitor.stalledMs, log);
  undo.push(() => monitor.close());
  goOn();

  const broker =
    settings.mqtt.url === undefined
      ? await embeddedBroker({
          port: settings.broker.port,
          maxPayloadBytes: stream.maxFrameBytes,
          durableClientId: clientId,
        })
      : undefined;
  if (broker) undo.push(() => broker.close());
  const brokerUrl = broker?.url ?? settings.mqtt.url!;

  const warming = openWarming(settings, brokerUrl, clientId, topics);
  undo.push(() => warming.giveUp());

  const chosen = learnerSettings(settings.learner);
  const backbone = await whileWarming(notify, "the backbone", () => openBackbone(backboneOptions(settings)));
  const { engine, model } = backbone;
  undo.push(() => engine.close());
  goOn();
  const identity = { modelId: model.info.modelId, modelName: model.info.name };
  const from = { node: node.id, ...identity };
  const runs = `${engine.provider.engine}/${engine.provider.provider}`;
  log("info", `backbone ${model.info.name} on ${runs}`);
  tellProvider(engine.provider, log);

  const newLearner = (): Learner => createLearner({ engine, settings: chosen, seed: settings.learner.seed });
  const learner = newLearner();
  const restored = await state.restoreInto(learner, identity);
  if (restored) log("info", `goes on from version ${learner.poolVersion} with ${learner.labels.length} labels`);
  const isEmpty = learner.labels.length === 0 && state.recovered.length === 0;
  if (snapshot.warmStart !== undefined && isEmpty) {
    const at = { topic: snapshot.warmStart, model: identity, waitMs: WARM_START_WAIT_MS };
    const header = await warmStart(learner, warming, at);
    goOn();
    if (header) await state.saveStart(learner, from);
    const version = header && `starts from ${header.node}'s snapshot of version ${header.poolVersion}`;
    log(header ? "info" : "warn", version ?? `starts empty: no snapshot on ${at.topic}`);
  }
  const page = await openPage(settings, { topics, model: model.info.name, monitor, store: state.store, log });
  const { dashboard } = page;
  if (dashboard) undo.push(() => dashboard.close());
  goOn(); // not later: only this connection can still say `stopped`, or the next
  await warming.close();

  const heard = nodeTopics(topics, homeAssistantTopics(settings.homeAssistant));
  const transport = transportFor(settings, brokerUrl, clientId, heard);
  const forward = openForwarding(settings, transport, log);
  undo.push(async () => forward?.close()); // after the transport, whose last answers it notes
  undo.push(() => transport.close());
  tellBrokerNews(transport, brokerUrl, log, (connected) => monitor.broker(connected));

  const stop$ = new Subject<void>();
  const bounds = streamBounds(settings, notify.aliveEveryMs);
  if (bounds.telemetryMs < stream.telemetryMs)
    log("info", `telemetry every ${bounds.telemetryMs} ms: systemd's watchdog asks for it`);
  const home = homeAssistant({ settings, topics, model: model.info.name, transport, log });
  const sources = cameraSources(live, { topics, log });
  undo.push(() => sources.close());
  const flow = pipeline(merge(home.raw$, page.raw$, sources.raw$).pipe(takeUntil(stop$)), {
    settings: bounds,
    changed$: live.changed$,
    topics,
    learner,
    modelId: identity.modelId,
    prepare: backbone.prepare,
    journal: state.journal,
    recovered: state.recovered,
    streamState: restored?.stream,
    ...driftParts(settings.drift, newLearner),
    service: commandService(state, identity, learner, live),
    log,
  });
  page.follow(flow);
  await page.checkpoints();
  const publisher = createPublisher({ transport, forward, topics, dashboard, settings: snapshot, log });
  const effects$ = outputs(flow, {
    publisher,
    state: { save: (taken) => page.checkpointsAfter(state.save(taken, from)) },
    settings: snapshot,
    setByCommand: () => live.setByCommand(),
    provider: engine.provider,
    transport,
    sources,
    forward,
    notify,
    monitor,
    onCamera: (camera) => home.camera(camera),
    log,
  });
  const ended = lastValueFrom(effects$, { defaultValue: undefined });
  ended.catch(() => {}); // a replay may fail before this function returns: no unhandled rejection before it is waited for
  const breakOff = flow.connect();
  undo.push(async () => breakOff());

  const say = (status: Status): void => {
    dashboard?.status(status);
    monitor.status(status);
    transport.announce(status).catch((error: unknown) => {
      // Closed: that there is no broker was told already.
      if (!isAppError(error, "mqtt/closed")) log("warn", `the status ${status} was not sent`, error);
    });
  };
  say("online");
  transport.open();
  await notify.ready();
  await notify.status(`${model.info.name} on ${runs}`);

  async function stop(): Promise<void> {
    await notify.stopping();
    stop$.next();
    const failed = await ended.then(
      () => false,
      () => true, // whoever waits for `ended` hears of it
    );
    say(failed ? "offline" : "stopped");
    await release();
  }
  let stopped: Promise<void> | undefined;
  const { prediction$, learned$, rejected$ } = flow;
  return {
    brokerUrl,
    dashboard,
    monitorUrl: monitor.url,
    runs,
    prediction$,
    learned$,
    rejected$,
    reload: (next) => live.reload(next),
    stop: () => (stopped ??= stop()),
    ended,
  };
}
