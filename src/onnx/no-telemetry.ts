/**
 * ONNX Runtime's own builds for Linux and macOS report to Microsoft what models they run, with an identifier that they
 * keep under ~/.cache/Microsoft, unless this is set before the first session (microsoft/onnxruntime#27379). Who loads
 * the runtime imports this file, in the main thread: a worker's `process.env` is a copy that the runtime does not see.
 */
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
