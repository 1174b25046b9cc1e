/** Who asks for the learner. */
export type Lane = "predict" | "learn" | "command";

/** The learner takes one call at a time: tasks run one by one, and lanes that wait take turns. */
export interface Turn {
  /** Resolves or rejects as the task does; a failing task does not stop the next. */
  run<T>(lane: Lane, task: () => Promise<T> | T): Promise<T>;
}

/**
 * ```
 * // predict  a b c
 * // learn    x y
 * // runs     a x b y c     nobody waits for more than one task of each other lane
 * ```
 */
export function createTurn(): Turn {
  const lanes: Record<Lane, (() => Promise<void>)[]> = { predict: [], learn: [], command: [] };
  const order: Lane[] = ["predict", "learn", "command"];
  let busy = false;

  function next(): (() => Promise<void>) | undefined {
    const lane = order.find((name) => lanes[name].length > 0);
    if (lane === undefined) return undefined;
    // The lane that had the turn goes to the end of the line.
    order.splice(order.indexOf(lane), 1);
    order.push(lane);
    return lanes[lane].shift();
  }

  async function serve(): Promise<void> {
    busy = true;
    for (let task = next(); task !== undefined; task = next()) await task();
    busy = false;
  }

  return {
    run: (lane, task) =>
      new Promise((resolve, reject) => {
        lanes[lane].push(async () => {
          try {
            resolve(await task());
          } catch (error) {
            reject(error);
          }
        });
        if (!busy) void serve();
      }),
  };
}
