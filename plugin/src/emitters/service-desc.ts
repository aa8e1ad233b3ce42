// Generated from templates/service-desc.ts by `npm run templates`; do not edit.
import { type Printer, importType, importValue, stringLiteral } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const BidiStreamMethod = importType("BidiStreamMethod", "@trunkline/runtime");
const ClientStreamMethod = importType("ClientStreamMethod", "@trunkline/runtime");
const ServerStreamMethod = importType("ServerStreamMethod", "@trunkline/runtime");
const UnaryMethod = importType("UnaryMethod", "@trunkline/runtime");
const bidiStreamMethod = importValue("bidiStreamMethod", "@trunkline/runtime");
const clientStreamMethod = importValue("clientStreamMethod", "@trunkline/runtime");
const serverStreamMethod = importValue("serverStreamMethod", "@trunkline/runtime");
const unaryMethod = importValue("unaryMethod", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const serviceDescNames: readonly string[] = ["call", "impl", "request", "requests"];

export function emitServiceDesc(p: Printer, s: ServiceScope): void {
  p.line`/** The table of the service: its methods, each with its codecs and its handler. */`;
  p.line`export const ${s.$ServiceDesc}: {`;
  p.line`  readonly serviceName: ${stringLiteral(s.$serviceName)};`;
  p.line`  readonly fileName: ${stringLiteral(s.$fileName)};`;
  p.line`  readonly methods: {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`    readonly ${m.$method}: ${UnaryMethod}<${s.$ServiceServer}, ${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "serverStream") {
      p.line`    readonly ${m.$method}: ${ServerStreamMethod}<${s.$ServiceServer}, ${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "clientStream") {
      p.line`    readonly ${m.$method}: ${ClientStreamMethod}<${s.$ServiceServer}, ${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "bidiStream") {
      p.line`    readonly ${m.$method}: ${BidiStreamMethod}<${s.$ServiceServer}, ${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
  }
  p.line`  };`;
  p.line`} = {`;
  p.line`  serviceName: ${stringLiteral(s.$serviceName)},`;
  p.line`  fileName: ${stringLiteral(s.$fileName)},`;
  p.line`  methods: {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`    ${m.$method}: /* @__PURE__ */ ${unaryMethod}({`;
      p.line`      name: ${stringLiteral(m.$methodName)},`;
      p.line`      path: ${stringLiteral(m.$path)},`;
      p.line`      request: ${m.$requestCodec},`;
      p.line`      response: ${m.$responseCodec},`;
      p.line`      idempotency: ${m.$idempotency},`;
      p.line`      defaults: ${m.$defaults},`;
      p.line`      handler: (impl, request, call) => impl.${m.$method}(request, call),`;
      p.line`    }),`;
    }
    if (m.kind === "serverStream") {
      p.line`    ${m.$method}: /* @__PURE__ */ ${serverStreamMethod}({`;
      p.line`      name: ${stringLiteral(m.$methodName)},`;
      p.line`      path: ${stringLiteral(m.$path)},`;
      p.line`      request: ${m.$requestCodec},`;
      p.line`      response: ${m.$responseCodec},`;
      p.line`      idempotency: ${m.$idempotency},`;
      p.line`      defaults: ${m.$defaults},`;
      p.line`      handler: (impl, request, call) => impl.${m.$method}(request, call),`;
      p.line`    }),`;
    }
    if (m.kind === "clientStream") {
      p.line`    ${m.$method}: /* @__PURE__ */ ${clientStreamMethod}({`;
      p.line`      name: ${stringLiteral(m.$methodName)},`;
      p.line`      path: ${stringLiteral(m.$path)},`;
      p.line`      request: ${m.$requestCodec},`;
      p.line`      response: ${m.$responseCodec},`;
      p.line`      idempotency: ${m.$idempotency},`;
      p.line`      defaults: ${m.$defaults},`;
      p.line`      handler: (impl, requests, call) => impl.${m.$method}(requests, call),`;
      p.line`    }),`;
    }
    if (m.kind === "bidiStream") {
      p.line`    ${m.$method}: /* @__PURE__ */ ${bidiStreamMethod}({`;
      p.line`      name: ${stringLiteral(m.$methodName)},`;
      p.line`      path: ${stringLiteral(m.$path)},`;
      p.line`      request: ${m.$requestCodec},`;
      p.line`      response: ${m.$responseCodec},`;
      p.line`      idempotency: ${m.$idempotency},`;
      p.line`      defaults: ${m.$defaults},`;
      p.line`      handler: (impl, requests, call) => impl.${m.$method}(requests, call),`;
      p.line`    }),`;
    }
  }
  p.line`  },`;
  p.line`};`;
}
