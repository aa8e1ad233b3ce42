import type { SourceFile } from "ts-morph";

/** What a template may not say. The message begins with its place: `templates/client.ts:12: …`. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** Refuses what stands at an offset of a template; `message` says what to do about it. */
export function refuse(source: SourceFile, offset: number, message: string): never {
  const { line } = source.getLineAndColumnAtPos(offset);
  throw new TemplateError(`templates/${source.getBaseName()}:${line}: ${message}`);
}
