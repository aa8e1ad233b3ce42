// Generated from templates/options.ts by `npm run templates`; do not edit.
import { type Printer, importType, importValue, stringLiteral } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const ServiceDesc = importType("ServiceDesc", "@trunkline/runtime");
const embedOptions = importValue("embedOptions", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const optionsNames: readonly string[] = ["Pick", "Required"];

export function emitOptions(p: Printer, s: ServiceScope): void {
  p.line`/** The table with what options of the proto say of the service, and of each of its methods. */`;
  p.line`export const ${s.$serviceOptions}: Required<Pick<${ServiceDesc}, "options">> = ${embedOptions}(${s.$ServiceDesc}, ${stringLiteral(s.$optionsOfService)}, {`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line`  ${m.$method}: ${stringLiteral(m.$optionsOfMethod)},`;
    }
    if (m.kind === "serverStream") {
      p.line`  ${m.$method}: ${stringLiteral(m.$optionsOfMethod)},`;
    }
    if (m.kind === "clientStream") {
      p.line`  ${m.$method}: ${stringLiteral(m.$optionsOfMethod)},`;
    }
    if (m.kind === "bidiStream") {
      p.line`  ${m.$method}: ${stringLiteral(m.$optionsOfMethod)},`;
    }
  }
  p.line`});`;
}
