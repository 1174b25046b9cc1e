import { createTfjsService, type TfjsService } from "./tfjs-service.ts";
import { serve } from "./worker-port.ts";

// The thread of one TensorFlow.js engine: every operator blocks the thread it is called on, and this one may block.
serve<TfjsService>(createTfjsService());
