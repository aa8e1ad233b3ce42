import type { FileModel } from "../model.js";
import type { ProtoFile, Request } from "../read-model.js";
import type { MessageBinding } from "./binding.js";

/** A TypeScript module, as it goes into the response. */
export interface GeneratedFile {
  /** `demo/v1/greeter.ts` */
  readonly name: string;
  readonly content: string;
}

/** A library of messages, set up with the user's options: one implementation per value of `messages`. */
export interface MessageLibrary {
  /** Throws a PluginError for the first file that needs what the library lacks. */
  check(files: readonly ProtoFile[], request: Request): Promise<void>;
  /** Where the types of one service file come from. */
  bind(file: FileModel): MessageBinding;
  /** The message files that belong beside the service files, one by one. Loads the library's own generator. */
  generate(request: Request): Promise<Iterable<GeneratedFile>>;
}
