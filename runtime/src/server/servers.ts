import type { Server } from "./server.js";

/** The servers of this isolate that listen, of every copy of this package: for what shows a process from outside. */
const place = Symbol.for("trunkline.servers");
const shared = globalThis as { [place]?: Set<Server> };
shared[place] ??= new Set();

export const servers: Set<Server> = shared[place];
