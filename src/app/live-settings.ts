import { renameSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Observable, Subject } from "rxjs";
import { writeDurably } from "../edge/durable-file.ts";
import { appError } from "../kernel/errors.ts";
import { isAlive, isSettable, settableKeys, takeAlive } from "../settings/alive.ts";
import { describeChange, type SettingChange, settingChanges } from "../settings/difference.ts";
import { liveSettingsView } from "../settings/live-view.ts";
import type { LoadedSettings } from "../settings/load.ts";
import {
  assigned,
  checkedValue,
  encodeSet,
  holding,
  readSet,
  type SetByCommand,
  setFile,
  type SetValue,
  valueOf,
  withSet,
} from "../settings/set-by-command.ts";
import { nearest } from "../settings/suggest.ts";
import type { Log } from "../stream/parts.ts";

/** A running node's settings: what the configuration says, changed by reloads and by the command `set`. */
export interface LiveSettings {
  /** Always what holds now, however long ago it was handed over. */
  readonly settings: LoadedSettings;
  /** Emits after each change. */
  readonly changed$: Observable<void>;
  /** What `set` changed, by key. */
  setByCommand(): Readonly<Record<string, SetValue>>;
  /** Takes over what can change alive, and says of the rest that it needs a restart, also at the next call. */
  reload(next: LoadedSettings): void;
  /**
   * Changes one setting; when it resolves, for the next start too. Null: what the configuration says.
   * @throws AppError `command/not-settable`, `settings/invalid`, `store/io`: then nothing is changed
   */
  set(key: string, value: SetValue | null): Promise<SettingChange>;
}

/** @param started What the configuration says; what `set` changed in an earlier run is put over it. */
export function liveSettings(started: LoadedSettings, log: Log): LiveSettings {
  const { folder } = started.state;
  const changed$ = new Subject<void>();
  let configured = started;
  let set = recall();
  let running = withSet(started, set);
  let last: Promise<unknown> = Promise.resolve();
  for (const [key, { value }] of set) log("info", `settings: ${key} is ${JSON.stringify(value)}, by the command set`);

  function recall(): SetByCommand {
    const found = readSet(folder);
    if (found !== null) return holdingOf(started, found);
    log("error", `${setFile} in ${folder} is damaged and was set aside: what the command set changed is undone`);
    renameSync(join(folder, setFile), join(folder, `${setFile}.corrupt`));
    return new Map();
  }

  function holdingOf(next: LoadedSettings, found: SetByCommand): SetByCommand {
    const holds = holding(next, found);
    for (const [key, { value }] of found) {
      if (holds.has(key)) continue;
      log(
        "info",
        `settings: ${key} was set to ${JSON.stringify(value)} by command; the configuration has changed since`,
      );
    }
    return holds;
  }

  /** One at a time: each is written before it holds. */
  function keep(kept: SetByCommand): Promise<void> {
    const written = write(last, kept);
    last = written.catch(() => {});
    return written;
  }

  async function write(before: Promise<unknown>, kept: SetByCommand): Promise<void> {
    await before;
    try {
      await mkdir(folder, { recursive: true });
      await writeDurably(folder, setFile, encodeSet(kept));
    } catch (cause) {
      throw appError("store/io", `cannot write ${join(folder, setFile)}`, { cause });
    }
  }

  function become(next: LoadedSettings): readonly SettingChange[] {
    const changes = settingChanges(running, next);
    running = next;
    changed$.next();
    for (const one of changes) log("info", `settings: ${describeChange(one)}`);
    return changes;
  }

  return {
    settings: liveSettingsView(() => running),
    changed$,
    setByCommand: () => Object.fromEntries([...set].map(([key, { value }]) => [key, value])),
    reload(next) {
      configured = next;
      const holds = holdingOf(next, set);
      if (holds.size < set.size) keep(holds).catch((error: unknown) => log("error", "settings: not kept", error));
      set = holds;
      const taken = become(withSet(takeAlive(running, next), set));
      const waiting = settingChanges(started, next).filter(({ key }) => !isAlive(key));
      for (const one of waiting) log("warn", `settings: ${describeChange(one)} needs a restart`);
      if (taken.length + waiting.length === 0) log("info", "settings: nothing changed");
    },
    async set(key, value) {
      if (!isSettable(key))
        throw appError("command/not-settable", `${notSettable(key)}; set takes ${settableKeys.join(", ")}`);
      const over = valueOf(configured, key);
      const after = checkedValue(configured, key, value ?? over);
      const changed = new Map(set);
      changed.delete(key);
      if (after !== over) changed.set(key, { value: after, over });
      await keep(changed);
      const before = valueOf(running, key);
      set = changed;
      become(assigned(running, key, after));
      return { key, before, after };
    },
  };
}

/** The log obeys `log.level`; at first only where `set` changed it: its maker has chosen one. */
export function followLevel(live: LiveSettings, logger: Pick<Logger, "level">): void {
  const follow = (): void => void (logger.level = live.settings.log.level);
  if ("log.level" in live.setByCommand()) follow();
  live.changed$.subscribe(follow);
}

function notSettable(key: string): string {
  const near = nearest(key, settableKeys) ?? settableKeys.find((one) => one.endsWith(`.${key}`));
  return near === undefined ? `${key} is none of them` : `${key} is none of them: did you mean ${near}?`;
}
