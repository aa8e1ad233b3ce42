/**
 * Compiles the templates beside this file into `plugin/src/emitters/`: functions that print what the templates say.
 *
 * A template is TypeScript with two constructs more, and no third:
 *
 * 1. A hole is an identifier, a whole string literal or a whole doc comment that starts with `$`; holes.d.ts has them.
 * 2. An arm is a member named `$method`, which repeats for every rpc, or `$unary`, `$serverStream`, `$clientStream` or
 *    `$bidiStream`, which repeats for rpcs of that kind. Adjacent arms are one loop, in proto order.
 *
 * All else is text, printed line by line as it stands, so that an emitter reads like its template. What cannot be done
 * in this way is refused, with the line.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Project, type SourceFile } from "ts-morph";
import { type Arm, readArms } from "./compiler/arms.js";
import { type Filling, readFillings } from "./compiler/fillings.js";
import { compileHoles, type Holes, readHoles } from "./compiler/holes.js";
import { readDeclarations, readImports } from "./compiler/top-level.js";

const templates = ["client", "server", "handlers", "service-desc", "client-desc", "descriptors", "options", "mock"];

/** Compiles all templates. Returns the text of each file of `plugin/src/emitters/`, by its name. */
export function compileTemplates(): Map<string, string> {
  const project = new Project({ skipAddingFilesFromTsConfig: true, skipFileDependencyResolution: true });
  const open = (name: string) => project.addSourceFileAtPath(fileURLToPath(new URL(name, import.meta.url)));

  const declarations = open("holes.d.ts");
  const holes = readHoles(declarations);
  const emitters = new Map([["holes.ts", compileHoles(declarations)]]);
  for (const name of templates) emitters.set(`${name}.ts`, compileTemplate(open(`${name}.ts`), holes));
  return emitters;
}

/** Compiles a template into the emitter that prints it. Throws a TemplateError, with the line, for what it refuses. */
export function compileTemplate(source: SourceFile, holes: Holes): string {
  const start = readDeclarations(source, holes);
  const imports = readImports(source);
  const arms = readArms(source);
  const { fillings, names } = readFillings(source, start, { holes, arms, imports });

  const symbols = [...imports].map(([name, { from, typeOnly }]) => {
    const create = typeOnly ? "importType" : "importValue";
    return `const ${name} = ${create}(${JSON.stringify(name)}, ${JSON.stringify(from)});\n`;
  });
  const name = source.getBaseNameWithoutExtension().replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const code = `${symbols.join("")}
/** What the template uses without an import: no import may be called so. */
export const ${name}Names: readonly string[] = ${JSON.stringify(names).replaceAll(",", ", ")};

export function emit${name.charAt(0).toUpperCase()}${name.slice(1)}(p: Printer, s: ServiceScope): void {
${compileLines(source, start, arms, fillings).join("\n")}
}
`;
  const used = ["importType", "importValue", "stringLiteral"].filter((symbol) => code.includes(`${symbol}(`));
  return `// Generated from templates/${source.getBaseName()} by \`npm run templates\`; do not edit.
import { ${["type Printer", ...used].join(", ")} } from "../printer.js";
import type { ServiceScope } from "./holes.js";

${code}`;
}

/** The statements of the emitter: each prints a line, or loops over the methods to print the lines of adjacent arms. */
function compileLines(source: SourceFile, start: number, arms: readonly Arm[], fillings: readonly Filling[]): string[] {
  const text = source.getFullText();
  const startingAt = (line: number) => arms.find(({ firstLine }) => firstLine === line);
  const endingAt = (line: number) => arms.find(({ lastLine }) => lastLine === line);

  const code: string[] = [];
  let indent = "  ";
  const open = (head: string) => {
    code.push(`${indent}${head} {`);
    indent += "  ";
  };
  const close = () => {
    indent = indent.slice(2);
    code.push(`${indent}}`);
  };

  let line = source.getLineAndColumnAtPos(start).line;
  let offset = start;
  for (const { length } of text.slice(start).trimEnd().split("\n")) {
    const first = startingAt(line);
    if (first && !endingAt(line - 1)) open("for (const m of s.methods)");
    if (first?.kind) open(`if (m.kind === ${JSON.stringify(first.kind)})`);
    code.push(`${indent}${compileLine(text, offset, offset + length, fillings)}`);
    const last = endingAt(line);
    if (last?.kind) close();
    if (last && !startingAt(line + 1)) close();
    line++;
    offset += length + 1;
  }
  return code;
}

function compileLine(text: string, start: number, end: number, fillings: readonly Filling[]): string {
  let printed = "";
  let offset = start;
  for (const filling of fillings.filter((one) => start <= one.start && one.end <= end)) {
    if (filling.isDoc) return `p.doc(${filling.expression});`;
    printed += `${escapeTemplate(text.slice(offset, filling.start))}\${${filling.expression}}`;
    offset = filling.end;
  }
  return `p.line\`${printed}${escapeTemplate(text.slice(offset, end))}\`;`;
}

function escapeTemplate(text: string): string {
  return text.replace(/[\\`]/g, "\\$&");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of compileTemplates()) {
    writeFileSync(new URL(`../plugin/src/emitters/${name}`, import.meta.url), text);
  }
}
