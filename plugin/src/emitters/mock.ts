// Generated from templates/mock.ts by `npm run templates`; do not edit.
import { type Printer, importType, importValue } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const MockBidiStream = importType("MockBidiStream", "@trunkline/runtime/mock");
const MockClientStream = importType("MockClientStream", "@trunkline/runtime/mock");
const MockServerStream = importType("MockServerStream", "@trunkline/runtime/mock");
const MockUnary = importType("MockUnary", "@trunkline/runtime/mock");
const MockService = importValue("MockService", "@trunkline/runtime/mock");

/** What the template uses without an import: no import may be called so. */
export const mockNames: readonly string[] = ["service"];

export function emitMock(p: Printer, s: ServiceScope): void {
  p.doc(s.$serviceDoc, "");
  p.line`export interface ${s.$MockServiceClient} {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: ${MockUnary}<${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "serverStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: ${MockServerStream}<${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "clientStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: ${MockClientStream}<${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
    if (m.kind === "bidiStream") {
      p.doc(m.$methodDoc, "  ");
      p.line`  readonly ${m.$method}: ${MockBidiStream}<${m.$RequestInit}, ${m.$Request}, ${m.$ResponseInit}, ${m.$Response}>;`;
    }
  }
  p.line`}`;
  p.line``;
  p.line`/** A client for tests, without a server: it answers as it is told, and remembers how it was called. */`;
  p.line`export function ${s.$mockServiceClient}(): ${s.$MockServiceClient} {`;
  p.line`  const service = new ${MockService}(${s.$ServiceDesc});`;
  p.line`  return {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`    ${m.$method}: service.unary(${s.$ServiceDesc}.methods.${m.$method}),`;
    }
    if (m.kind === "serverStream") {
      p.line`    ${m.$method}: service.serverStream(${s.$ServiceDesc}.methods.${m.$method}),`;
    }
    if (m.kind === "clientStream") {
      p.line`    ${m.$method}: service.clientStream(${s.$ServiceDesc}.methods.${m.$method}),`;
    }
    if (m.kind === "bidiStream") {
      p.line`    ${m.$method}: service.bidiStream(${s.$ServiceDesc}.methods.${m.$method}),`;
    }
  }
  p.line`  };`;
  p.line`}`;
}
