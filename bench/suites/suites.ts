import { codec } from "./codec.js";
import { codegen } from "./codegen.js";
import { connections } from "./connections.js";
import { interceptors } from "./interceptors.js";
import { memory } from "./memory.js";
import { stream } from "./stream.js";
import type { Suite } from "./suite.js";
import { unary } from "./unary.js";

/** In the order in which they run. */
export const suites: readonly Suite[] = [unary, stream, connections, memory, codegen, codec, interceptors];
