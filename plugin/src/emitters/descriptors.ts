// Generated from templates/descriptors.ts by `npm run templates`; do not edit.
import { type Printer, importType } from "../printer.js";
import type { ServiceScope } from "./holes.js";

const ServiceDesc = importType("ServiceDesc", "@trunkline/runtime");

/** What the template uses without an import: no import may be called so. */
export const descriptorsNames: readonly string[] = ["Object", "Pick", "Required"];

export function emitDescriptors(p: Printer, s: ServiceScope): void {
  p.line`/** The table with the descriptors of its file: what servers that have the service show to tools by reflection. */`;
  p.line`export const ${s.$serviceDescriptors}: Required<Pick<${ServiceDesc}, "descriptorSet">> = Object.assign(${s.$ServiceDesc}, {`;
  p.line`  descriptorSet: ${s.$descriptorSet},`;
  p.line`});`;
}
