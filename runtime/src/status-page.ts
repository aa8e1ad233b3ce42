/** A page that shows what a server and the long connections of its process are doing: `@trunkline/runtime/status-page`. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { describe, misuse } from "./error.js";
import { checkNumber } from "./number-option.js";
import type { Server } from "./server/server.js";
import { refusal } from "./status-page/access.js";
import { EventStreams } from "./status-page/event-streams.js";
import { page, pagePolicy } from "./status-page/page.js";
import { RecentEvents } from "./status-page/recent-events.js";
import { takeSnapshot } from "./status-page/snapshot.js";

export type { RecentEvent } from "./status-page/recent-events.js";
export type { StatusSnapshot } from "./status-page/snapshot.js";

export interface StatusPageOptions {
  /**
   * Where the page is, for a server that hands on whole paths: `"/status"`. Routers that take off the path that a
   * handler is mounted at, as Express does, need none. Default `"/"`.
   */
  readonly path?: string | undefined;
  /**
   * Answers requests from other machines and under other names than localhost, too. The page shows addresses, names of
   * services and texts of errors, and asks nobody who they are: put something before it that does. Default false.
   */
  readonly allowRemote?: boolean | undefined;
  /** Milliseconds from one event of a stream to the next, from 100 to a minute. Default 1000. */
  readonly everyMs?: number | undefined;
}

/** What `http.createServer` and routers take. */
export type StatusPageHandler = (request: IncomingMessage, response: ServerResponse) => void;

const headers: OutgoingHttpHeaders = {
  // No proxy keeps it or changes it: one that compresses would keep events back.
  "cache-control": "no-store, no-transform",
  "content-security-policy": pagePolicy,
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * A handler of HTTP requests that shows what `server` is doing, and the long connections of this process, in a browser:
 * the page, what it shows as JSON at `stats` below it (a {@link StatusSnapshot}), and the same as a stream of server-sent
 * events at `events`. It answers this machine only, unless told otherwise.
 *
 * ```ts
 * http.createServer(statusPage(server)).listen(8080, "127.0.0.1");
 * ```
 *
 * While nobody looks it does nothing. Streams that are open do not keep the process running.
 *
 * @throws RpcError INVALID_ARGUMENT for an option that cannot be used; it names the option
 */
export function statusPage(server: Pick<Server, "stats">, options: StatusPageOptions = {}): StatusPageHandler {
  const { allowRemote = false, everyMs = 1000 } = options;
  if (typeof allowRemote !== "boolean") {
    throw misuse(`statusPage(): allowRemote: must be true or false, not ${describe(allowRemote)}`);
  }
  checkNumber("statusPage(): everyMs", everyMs, { atLeast: 100, atMost: 60_000 });
  const mount = readPath(options.path);
  const events = new RecentEvents();
  const stats = () => JSON.stringify(takeSnapshot(server, everyMs, events.all));
  const streams = new EventStreams(everyMs, {
    onFirst: () => events.start(),
    onLast: () => events.stop(),
    next: stats,
  });

  const send = (response: ServerResponse, type: string, text: string) => {
    const length = Buffer.byteLength(text);
    response.writeHead(200, { ...headers, "content-type": type, "content-length": length }).end(text);
  };
  const places: { readonly [path: string]: (response: ServerResponse, isHead: boolean) => void } = {
    [mount]: (response) => send(response, "text/html; charset=utf-8", page),
    [`${mount}/`]: (response) => send(response, "text/html; charset=utf-8", page),
    [`${mount}/stats`]: (response) => send(response, "application/json", stats()),
    [`${mount}/events`]: (response, isHead) => {
      // nginx would collect events before it hands them on.
      response.writeHead(200, { ...headers, "content-type": "text/event-stream", "x-accel-buffering": "no" });
      if (isHead) response.end();
      else streams.add(response);
    },
  };

  return (request, response) => {
    const refuse = (code: number, text: string, more: OutgoingHttpHeaders = {}) => {
      response.writeHead(code, { ...headers, "content-type": "text/plain; charset=utf-8", ...more }).end(text);
    };
    const forbidden = allowRemote ? undefined : refusal(request);
    if (forbidden !== undefined) return refuse(403, forbidden);
    const path = request.url?.split("?", 1)[0] ?? "";
    const place = Object.hasOwn(places, path) ? places[path] : undefined;
    if (place === undefined) {
      const known = `The status page is at ${mount}/, what it shows at ${mount}/stats and ${mount}/events`;
      return refuse(404, `There is nothing here. ${known}.\n`);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "The status page is to be looked at: GET and HEAD only.\n", { allow: "GET, HEAD" });
    }
    place(response, request.method === "HEAD");
  };
}

/** The path without a slash at its end. */
function readPath(path = "/"): string {
  if (typeof path === "string" && /^\/[^?#\s]*$/.test(path)) return path.replace(/\/+$/, "");
  throw misuse(`statusPage(): path: must be a path such as "/status", not ${describe(path)}`);
}
