/** What can be played; alone here, because a command line wants the names without the harness behind them. */
export const scenarioNames = [
  "split-cifar100",
  "gaussian-cifar100",
  "blurry-cifar100",
  "diverse",
  "drift",
  "stationary",
  "parts",
  "folders",
] as const;

export type ScenarioName = (typeof scenarioNames)[number];
