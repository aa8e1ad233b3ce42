/** Reads holes.d.ts: which holes there are, and the types that the plugin's scope.ts must fill. */
import type { InterfaceDeclaration, SourceFile } from "ts-morph";
import { armKinds } from "./arms.js";
import { refuse } from "./refuse.js";

export interface Hole {
  /** Whether it is filled once per service or once per rpc. */
  readonly per: "service" | "method";
  readonly kind: HoleKind;
}

/** By its `$name`. */
export type Holes = ReadonlyMap<string, Hole>;

type HoleKind = keyof typeof scopeTypes;

/** What scope.ts supplies for each kind of hole. */
const scopeTypes = {
  /** Declared in one file, and imported from it in another. */
  name: "Printable",
  string: "string",
  doc: "Documented",
  type: "Printable",
  value: "Printable",
};

/** The holes of the two interfaces in holes.d.ts. */
export function readHoles(source: SourceFile): Holes {
  const holes = new Map<string, Hole>();
  for (const per of ["service", "method"] as const) {
    for (const { name, kind } of members(holesOf(source, per))) holes.set(name, { per, kind });
  }
  return holes;
}

/** The types that scope.ts fills. */
export function compileHoles(source: SourceFile): string {
  return `// Generated from templates/holes.d.ts by \`npm run templates\`; do not edit.
import type { MethodModel } from "../model.js";
import type { Documented, Printable } from "../printer.js";

${scopeType(holesOf(source, "service"), "ServiceScope", "methods: readonly MethodScope[]")}
${scopeType(holesOf(source, "method"), "MethodScope", 'kind: MethodModel["kind"]')}`;
}

function scopeType(holes: InterfaceDeclaration, name: string, besides: string): string {
  let text = `${holes.getJsDocs()[0]?.getText() ?? ""}\nexport interface ${name} {\n  readonly ${besides};\n`;
  for (const { name: hole, kind, doc } of members(holes)) {
    // A method has one local name, whatever the arm that prints it is called.
    if (armKinds.get(hole) !== undefined) continue;
    if (doc !== undefined) text += `  ${doc}\n`;
    text += `  readonly ${hole}: ${scopeTypes[kind]};\n`;
  }
  return `${text}}\n`;
}

function holesOf(source: SourceFile, per: Hole["per"]): InterfaceDeclaration {
  return source.getInterfaceOrThrow(per === "service" ? "ServiceHoles" : "MethodHoles");
}

function members(holes: InterfaceDeclaration): { name: string; kind: HoleKind; doc: string | undefined }[] {
  return holes.getProperties().map((property) => {
    const kind = property.getTypeNode()?.getText().slice(1, -1);
    if (!isHoleKind(kind)) {
      const kinds = Object.keys(scopeTypes).join('", "');
      refuse(property.getSourceFile(), property.getStart(), `give the hole one of the types "${kinds}"`);
    }
    return { name: property.getName(), kind, doc: property.getJsDocs()[0]?.getText() };
  });
}

function isHoleKind(kind: string | undefined): kind is HoleKind {
  return kind !== undefined && kind in scopeTypes;
}
