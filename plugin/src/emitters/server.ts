// Generated from templates/server.ts by `npm run templates`; do not edit.
import { type Printer, importType, importValue } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const MessageSource = importType("MessageSource", "@trunkline/runtime");
const ServerCall = importType("ServerCall", "@trunkline/runtime");
const ServiceOptions = importType("ServiceOptions", "@trunkline/runtime");
const ServiceRegistrar = importType("ServiceRegistrar", "@trunkline/runtime");
const unimplemented = importValue("unimplemented", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const serverNames: readonly string[] = ["AsyncIterable", "Promise", "_call", "_request", "_requests", "call", "impl", "options", "request", "requests", "server"];

export function emitServer(p: Printer, s: ServiceScope): void {
  p.doc(s.$serviceDoc, "");
  p.line`export interface ${s.$ServiceServer} {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.doc(m.$methodDoc, "  ");
      p.line`  ${m.$method}(request: ${m.$Request}, call: ${ServerCall}): Promise<${m.$ResponseInit}> | ${m.$ResponseInit};`;
    }
    if (m.kind === "serverStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  ${m.$method}(request: ${m.$Request}, call: ${ServerCall}): ${MessageSource}<${m.$ResponseInit}>;`;
    }
    if (m.kind === "clientStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  ${m.$method}(requests: AsyncIterable<${m.$Request}>, call: ${ServerCall}): Promise<${m.$ResponseInit}> | ${m.$ResponseInit};`;
    }
    if (m.kind === "bidiStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  ${m.$method}(requests: AsyncIterable<${m.$Request}>, call: ${ServerCall}): ${MessageSource}<${m.$ResponseInit}>;`;
    }
  }
  p.line`}`;
  p.line``;
  p.line`/** Extend this and an rpc that the proto gains later answers UNIMPLEMENTED instead of breaking the build. */`;
  p.line`export class ${s.$UnimplementedServiceServer} implements ${s.$ServiceServer} {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`  ${m.$method}(_request: ${m.$Request}, _call: ${ServerCall}): Promise<${m.$ResponseInit}> | ${m.$ResponseInit} {`;
      p.line`    throw ${unimplemented}(${s.$ServiceDesc}.methods.${m.$method});`;
      p.line`  }`;
    }
    if (m.kind === "serverStream") {
      p.line`  ${m.$method}(_request: ${m.$Request}, _call: ${ServerCall}): ${MessageSource}<${m.$ResponseInit}> {`;
      p.line`    throw ${unimplemented}(${s.$ServiceDesc}.methods.${m.$method});`;
      p.line`  }`;
    }
    if (m.kind === "clientStream") {
      p.line`  ${m.$method}(_requests: AsyncIterable<${m.$Request}>, _call: ${ServerCall}): Promise<${m.$ResponseInit}> | ${m.$ResponseInit} {`;
      p.line`    throw ${unimplemented}(${s.$ServiceDesc}.methods.${m.$method});`;
      p.line`  }`;
    }
    if (m.kind === "bidiStream") {
      p.line`  ${m.$method}(_requests: AsyncIterable<${m.$Request}>, _call: ${ServerCall}): ${MessageSource}<${m.$ResponseInit}> {`;
      p.line`    throw ${unimplemented}(${s.$ServiceDesc}.methods.${m.$method});`;
      p.line`  }`;
    }
  }
  p.line`}`;
  p.line``;
  p.line`/** Has \`server\` answer the calls of this service with \`impl\`. */`;
  p.line`export function ${s.$registerServiceServer}(server: ${ServiceRegistrar}, impl: ${s.$ServiceServer}, options?: ${ServiceOptions}): void {`;
  p.line`  server.register(${s.$ServiceDesc}, impl, options);`;
  p.line`}`;
}
