// Generated from templates/client.ts by `npm run templates`; do not edit.
import { type Printer, importType, importValue } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const CallOptions = importType("CallOptions", "@trunkline/runtime");
const Channel = importType("Channel", "@trunkline/runtime");
const DialOptions = importType("DialOptions", "@trunkline/runtime");
const MessageSource = importType("MessageSource", "@trunkline/runtime");
const sharedClient = importValue("sharedClient", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const clientNames: readonly string[] = ["AsyncIterable", "Promise", "channel", "options", "request", "requests", "target"];

export function emitClient(p: Printer, s: ServiceScope): void {
  p.doc(s.$serviceDoc, "");
  p.line`export interface ${s.$ServiceClient} {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: (request: ${m.$RequestInit}, options?: ${CallOptions}) => Promise<${m.$Response}>;`;
    }
    if (m.kind === "serverStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: (request: ${m.$RequestInit}, options?: ${CallOptions}) => AsyncIterable<${m.$Response}>;`;
    }
    if (m.kind === "clientStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: (requests: ${MessageSource}<${m.$RequestInit}>, options?: ${CallOptions}) => Promise<${m.$Response}>;`;
    }
    if (m.kind === "bidiStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: (requests: ${MessageSource}<${m.$RequestInit}>, options?: ${CallOptions}) => AsyncIterable<${m.$Response}>;`;
    }
  }
  p.line`}`;
  p.line``;
  p.line`/** Makes a client on a channel: an object of functions. */`;
  p.line`export function ${s.$serviceClient}(channel: ${Channel}): ${s.$ServiceClient} {`;
  p.line`  return {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`    ${m.$method}: (request, options) => channel.unary(${s.$ServiceDesc}.methods.${m.$method}, request, options),`;
    }
    if (m.kind === "serverStream") {
      p.line`    ${m.$method}: (request, options) => channel.serverStream(${s.$ServiceDesc}.methods.${m.$method}, request, options),`;
    }
    if (m.kind === "clientStream") {
      p.line`    ${m.$method}: (requests, options) => channel.clientStream(${s.$ServiceDesc}.methods.${m.$method}, requests, options),`;
    }
    if (m.kind === "bidiStream") {
      p.line`    ${m.$method}: (requests, options) => channel.bidiStream(${s.$ServiceDesc}.methods.${m.$method}, requests, options),`;
    }
  }
  p.line`  };`;
  p.line`}`;
  p.line``;
  p.line`/** The client that the whole process shares, on the long connection to \`target\`; made on first use. */`;
  p.line`export function ${s.$sharedServiceClient}(target?: string, options?: ${DialOptions}): ${s.$ServiceClient} {`;
  p.line`  return ${sharedClient}(${s.$ServiceDesc}, ${s.$serviceClient}, target, options);`;
  p.line`}`;
}
