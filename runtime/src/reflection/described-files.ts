import type { ServiceDesc } from "../contract.js";
import { describe, misuse } from "../error.js";
import { type DescribedFile, readDescriptorSet } from "./descriptor-set.js";

/** The files of some services, by all that may be asked for. */
export class DescribedFiles {
  readonly #byName = new Map<string, DescribedFile>();
  readonly #bySymbol = new Map<string, DescribedFile>();
  readonly #byExtension = new Map<string, Map<number, DescribedFile>>();

  /**
   * Where two services have embedded two versions of a file, the first counts: a tool could not use both.
   *
   * @throws RpcError INVALID_ARGUMENT for a service whose descriptors cannot be read
   */
  constructor(services: readonly ServiceDesc[]) {
    for (const service of services) {
      for (const file of filesOf(service)) {
        if (!this.#byName.has(file.name)) this.#add(file);
      }
    }
  }

  byName(name: string): DescribedFile | undefined {
    return this.#byName.get(name);
  }

  /** The file that declares what has this full name. */
  bySymbol(symbol: string): DescribedFile | undefined {
    return this.#bySymbol.get(symbol);
  }

  byExtension(extendee: string, number: number): DescribedFile | undefined {
    return this.#byExtension.get(extendee)?.get(number);
  }

  /** The numbers of all extensions of a message, sorted; undefined where there is no such message. */
  extensionNumbers(message: string): number[] | undefined {
    const numbers = this.#byExtension.get(message);
    if (numbers === undefined) return this.bySymbol(message)?.messages.has(message) === true ? [] : undefined;
    return [...numbers.keys()].sort((a, b) => a - b);
  }

  /**
   * A file and what it imports, directly or not, but for imports that are in `sent` already; adds them all to `sent`. The
   * file itself is the first, even where it was sent before: it is what was asked for.
   */
  withImports(file: DescribedFile, sent: Set<DescribedFile>): readonly DescribedFile[] {
    const found = [file];
    sent.add(file);
    // A list that grows while it is walked is walked to its end.
    for (const { imports } of found) {
      for (const name of imports) {
        const imported = this.#byName.get(name);
        if (imported === undefined || sent.has(imported)) continue;
        sent.add(imported);
        found.push(imported);
      }
    }
    return found;
  }

  #add(file: DescribedFile): void {
    this.#byName.set(file.name, file);
    for (const symbol of file.symbols) {
      if (!this.#bySymbol.has(symbol)) this.#bySymbol.set(symbol, file);
    }
    for (const { extendee, number } of file.extensions) {
      const numbers = this.#byExtension.get(extendee) ?? new Map<number, DescribedFile>();
      this.#byExtension.set(extendee, numbers);
      if (!numbers.has(number)) numbers.set(number, file);
    }
  }
}

function filesOf({ serviceName, descriptorSet }: ServiceDesc): readonly DescribedFile[] {
  if (descriptorSet === undefined) return [];
  try {
    return readDescriptorSet(descriptorSet);
  } catch (error) {
    const details = `${serviceName}: descriptorSet: must be an encoded FileDescriptorSet in base64, not ${describe(descriptorSet)}`;
    throw misuse(details, error);
  }
}
