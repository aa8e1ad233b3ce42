// Generated from templates/handlers.ts by `npm run templates`; do not edit.
import { type Printer, importType } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const MessageSource = importType("MessageSource", "@trunkline/runtime");
const ServerCall = importType("ServerCall", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const handlersNames: readonly string[] = ["AsyncIterable", "Promise", "call", "impl", "request", "requests"];

export function emitHandlers(p: Printer, s: ServiceScope): void {
  p.line`/** A handler per method: takes the decoded request and calls the implementation. */`;
  p.line`export const ${s.$serviceHandlers}: {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`  readonly ${m.$method}: (`;
      p.line`    impl: ${s.$ServiceServer},`;
      p.line`    request: ${m.$Request},`;
      p.line`    call: ${ServerCall},`;
      p.line`  ) => Promise<${m.$ResponseInit}> | ${m.$ResponseInit};`;
    }
    if (m.kind === "serverStream") {
      p.line`  readonly ${m.$method}: (impl: ${s.$ServiceServer}, request: ${m.$Request}, call: ${ServerCall}) => ${MessageSource}<${m.$ResponseInit}>;`;
    }
    if (m.kind === "clientStream") {
      p.line`  readonly ${m.$method}: (`;
      p.line`    impl: ${s.$ServiceServer},`;
      p.line`    requests: AsyncIterable<${m.$Request}>,`;
      p.line`    call: ${ServerCall},`;
      p.line`  ) => Promise<${m.$ResponseInit}> | ${m.$ResponseInit};`;
    }
    if (m.kind === "bidiStream") {
      p.line`  readonly ${m.$method}: (`;
      p.line`    impl: ${s.$ServiceServer},`;
      p.line`    requests: AsyncIterable<${m.$Request}>,`;
      p.line`    call: ${ServerCall},`;
      p.line`  ) => ${MessageSource}<${m.$ResponseInit}>;`;
    }
  }
  p.line`} = {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`  ${m.$method}: (impl, request, call) => impl.${m.$method}(request, call),`;
    }
    if (m.kind === "serverStream") {
      p.line`  ${m.$method}: (impl, request, call) => impl.${m.$method}(request, call),`;
    }
    if (m.kind === "clientStream") {
      p.line`  ${m.$method}: (impl, requests, call) => impl.${m.$method}(requests, call),`;
    }
    if (m.kind === "bidiStream") {
      p.line`  ${m.$method}: (impl, requests, call) => impl.${m.$method}(requests, call),`;
    }
  }
  p.line`};`;
}
