/** Reads the top level of a template: its imports, and the declarations that it prints for every service. */
import { Node, type SourceFile, type Statement } from "ts-morph";
import type { Holes } from "./holes.js";
import { refuse } from "./refuse.js";

const runtime = "@trunkline/runtime";

/** A name that a template imports from the runtime. */
export interface RuntimeImport {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** What a template imports from the runtime. Imports from other templates vanish: all of them print into one file. */
export function readImports(source: SourceFile): ReadonlyMap<string, RuntimeImport> {
  const imports = new Map<string, RuntimeImport>();
  for (const declaration of source.getImportDeclarations()) {
    const from = declaration.getModuleSpecifierValue();
    const isRuntime = from === runtime || from.startsWith(`${runtime}/`);
    if (!isRuntime && !from.startsWith("./")) {
      refuse(source, declaration.getStart(), `a template imports from ${runtime} or from another template only`);
    }
    const specifiers = declaration.getNamedImports();
    if (specifiers.length === 0 || declaration.getDefaultImport() || specifiers.some((one) => one.getAliasNode())) {
      refuse(source, declaration.getStart(), "write it as `import { name } from`, each name as it is exported");
    }
    for (const specifier of specifiers) {
      const name = specifier.getName();
      if (isRuntime) {
        imports.set(name, { from, typeOnly: declaration.isTypeOnly() || specifier.isTypeOnly() });
      } else if (!name.startsWith("$")) {
        refuse(source, specifier.getStart(), `only holes can be imported from templates: move ${name} to the runtime`);
      }
    }
  }
  return imports;
}

/** The offset at which the text of a template begins: below its imports, where only declarations may stand. */
export function readDeclarations(source: SourceFile, holes: Holes): number {
  const statements = source.getStatements();
  while (Node.isImportDeclaration(statements[0])) statements.shift();
  for (const statement of statements) {
    for (const { name, node } of declaredNames(source, statement)) {
      const hole = holes.get(name);
      // Anything else would be declared twice in the file of two services.
      if (hole?.per !== "service" || hole.kind !== "name") {
        refuse(source, node.getStart(), `${name} is printed once per service: name it by a hole of the service`);
      }
    }
  }
  const first = statements[0] ?? refuse(source, 0, "a template must declare something");
  return first.getLeadingCommentRanges()[0]?.getPos() ?? first.getStart();
}

function declaredNames(source: SourceFile, statement: Statement): { name: string; node: Node }[] {
  if (Node.isVariableStatement(statement)) {
    return statement.getDeclarations().map((node) => ({ name: node.getName(), node }));
  }
  if (
    Node.isInterfaceDeclaration(statement) ||
    Node.isTypeAliasDeclaration(statement) ||
    Node.isFunctionDeclaration(statement) ||
    Node.isClassDeclaration(statement)
  ) {
    return [{ name: statement.getName() ?? "default", node: statement }];
  }
  const what = Node.isImportDeclaration(statement)
    ? "imports come first"
    : `a template has no ${statement.getKindName()}`;
  return refuse(source, statement.getStart(), `${what}: only interfaces, types, constants, functions and classes here`);
}
