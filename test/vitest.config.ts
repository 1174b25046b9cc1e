import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    // As the product does for itself (src/onnx/no-telemetry.ts), for tests that load the runtime alone.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    // Two cores: more workers would only fight ONNX Runtime's own threads.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
