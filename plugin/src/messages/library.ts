import { PluginError } from "../errors.js";
import type { FileModel } from "../model.js";
import type { ProtoFile } from "../read-model.js";
import type { MessageBinding } from "./binding.js";
import type { MessageModules } from "./modules.js";

/** A TypeScript module, as it goes into the response. */
export interface GeneratedFile {
  /** `demo/v1/greeter.ts` */
  readonly name: string;
  readonly content: string;
}

/** A library of messages, set up for a request and the user's options: one implementation per value of `messages`. */
export interface MessageLibrary {
  readonly modules: MessageModules;
  /** What each of its modules exports beside messages, enums and extensions. */
  readonly inEveryFile: ReadonlySet<string>;
  /** Throws a PluginError for the first file that needs what the library lacks. */
  check(files: readonly ProtoFile[]): Promise<void>;
  /** Where the types of one service file come from. */
  bind(file: FileModel): MessageBinding;
  /** The message files that belong beside the service files, one by one. Loads the library's own generator. */
  generate(): Promise<Iterable<GeneratedFile>>;
}

/** The generator of a library, as it is installed. */
export interface Generator {
  readonly messages: string;
  readonly package: string;
  readonly version: string;
}

/** Runs what imports a generator; where that is not installed, throws a {@link PluginError} that says what to do. */
export async function withGenerator<T>(generator: Generator, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!isMissing(error, generator.package)) throw error;
    throw new PluginError(`messages=${generator.messages} needs ${generator.package}, which is not installed`, {
      hint: `npm install --save-dev ${generator.package}@${generator.version}`,
    });
  }
}

/** Of `import` it is ERR_MODULE_NOT_FOUND, of `require` MODULE_NOT_FOUND. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    String(error.code).endsWith("MODULE_NOT_FOUND") &&
    error.message.includes(name)
  );
}
