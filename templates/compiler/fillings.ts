/** Finds what is not text in a template: its holes, and the names that it imports from the runtime. */
import { type Identifier, Node, type SourceFile } from "ts-morph";
import { type Arm, armKinds } from "./arms.js";
import type { Hole, Holes } from "./holes.js";
import { refuse } from "./refuse.js";
import type { RuntimeImport } from "./top-level.js";

/** Between two offsets, the template's text gives way to the value of an expression in the emitter. */
export interface Filling {
  readonly start: number;
  readonly end: number;
  readonly expression: string;
  readonly isDoc: boolean;
}

/** What surrounds the text of a template. */
export interface Surroundings {
  readonly holes: Holes;
  readonly arms: readonly Arm[];
  readonly imports: ReadonlyMap<string, RuntimeImport>;
}

/** A doc comment that is a hole. */
const docHole = /^( *)\/\*\* (\$\w+) \*\/$/gm;

/** The fillings from top to bottom, and all names that the text uses or binds by itself, sorted. */
export function readFillings(
  source: SourceFile,
  from: number,
  around: Surroundings,
): { fillings: Filling[]; names: string[] } {
  const fillings: Filling[] = [];
  const names = new Set<string>();
  source.forEachDescendant((node, traversal) => {
    if (Node.isImportDeclaration(node)) {
      traversal.skip();
    } else if (Node.isStringLiteral(node) && node.getLiteralValue().startsWith("$")) {
      const hole = readHole(source, node.getStart(), node.getLiteralValue(), ["string"], around);
      fillings.push({ start: node.getStart(), end: node.getEnd(), expression: `stringLiteral(${hole})`, isDoc: false });
    } else if (Node.isIdentifier(node)) {
      const expression = readIdentifier(source, node, around);
      if (expression !== undefined) {
        fillings.push({ start: node.getStart(), end: node.getEnd(), expression, isDoc: false });
      } else if (!isMemberName(node)) {
        names.add(node.getText());
      }
    }
  });
  for (const { index, 0: line, 1: indent = "", 2: name = "" } of source.getFullText().matchAll(docHole)) {
    const hole = readHole(source, index + indent.length, name, ["doc"], around);
    const expression = `${hole}, ${JSON.stringify(indent)}`;
    fillings.push({ start: index, end: index + line.length, expression, isDoc: true });
  }
  refuseStrayDollars(source, from, fillings);
  return { fillings: fillings.sort((a, b) => a.start - b.start), names: [...names].sort() };
}

/** What an identifier gives way to, unless it is text. */
function readIdentifier(source: SourceFile, node: Identifier, around: Surroundings): string | undefined {
  const name = node.getText();
  const isHole = name.startsWith("$");
  if (!isHole && (!around.imports.has(name) || isMemberName(node))) return undefined;
  if (Node.isShorthandPropertyAssignment(node.getParent())) {
    refuse(source, node.getStart(), `the output may call it something else: write the key as well, \`key: ${name}\``);
  }
  if (isHole) return readHole(source, node.getStart(), name, ["name", "type", "value"], around);
  if (isBinding(node)) refuse(source, node.getStart(), `${name} is imported as well: rename this one`);
  return name;
}

/** The expression that has the value of a hole. */
function readHole(
  source: SourceFile,
  at: number,
  name: string,
  kinds: readonly Hole["kind"][],
  { holes, arms }: Surroundings,
): string {
  const hole = holes.get(name);
  if (hole === undefined) refuse(source, at, `unknown hole ${name}: declare it in holes.d.ts`);
  if (!kinds.includes(hole.kind)) refuse(source, at, `${name} must stand as ${forms[hole.kind](name)}`);
  if (hole.per === "service") return `s.${name}`;

  const arm = arms.find(({ start, end }) => start <= at && at < end);
  if (arm === undefined) refuse(source, at, `${name} belongs to a method: use it in an arm`);
  if (!armKinds.has(name)) return `m.${name}`;
  if (name !== arm.name && name !== "$method") refuse(source, at, `write ${arm.name}: this is its arm, not ${name}'s`);
  return "m.$method";
}

const forms: Readonly<Record<Hole["kind"], (name: string) => string>> = {
  name: () => "an identifier",
  type: () => "an identifier",
  value: () => "an identifier",
  string: (name) => `a whole string: "${name}"`,
  doc: (name) => `a whole doc comment on its own line: /** ${name} */`,
};

function refuseStrayDollars(source: SourceFile, from: number, fillings: readonly Filling[]): void {
  for (const { index } of source.getFullText().matchAll(/\$/g)) {
    if (index < from || fillings.some(({ start, end }) => start <= index && index < end)) continue;
    refuse(source, index, "`$` only starts a hole: an identifier, a whole string, or a doc comment on its own line");
  }
}

/** Whether an identifier names a member of something: such names are never looked up, so they cannot clash. */
function isMemberName(node: Identifier): boolean {
  const parent = node.getParent();
  if (Node.isQualifiedName(parent)) return parent.getRight() === node;
  return (
    (Node.isPropertyAccessExpression(parent) ||
      Node.isPropertySignature(parent) ||
      Node.isMethodSignature(parent) ||
      Node.isPropertyAssignment(parent) ||
      Node.isPropertyDeclaration(parent) ||
      Node.isMethodDeclaration(parent) ||
      Node.isGetAccessorDeclaration(parent) ||
      Node.isSetAccessorDeclaration(parent)) &&
    parent.getNameNode() === node
  );
}

function isBinding(node: Identifier): boolean {
  const parent = node.getParent();
  return (
    (Node.isParameterDeclaration(parent) || Node.isVariableDeclaration(parent) || Node.isBindingElement(parent)) &&
    parent.getNameNode() === node
  );
}
