/** The names of all that a file declares, which become code where its messages are generated. */
import { PluginError } from "../errors.js";
import { orMalformed, type ProtoFile } from "../read-model.js";
import { requireFullName, requireName } from "../valid-names.js";
import { bytesField, eachField, nameOf, requireDepth } from "../walk.js";

/** A kind of declaration, with those that can be within one: by the tags of their fields. */
interface Kind {
  readonly words: string;
  readonly within: ReadonlyMap<number, Kind>;
}

const leaf = (words: string): Kind => ({ words, within: new Map() });

const field = leaf("a field");
const extension = leaf("an extension");
const enumeration: Kind = { words: "an enum", within: new Map([[bytesField(2), leaf("an enum value")]]) };
const service: Kind = { words: "a service", within: new Map([[bytesField(2), leaf("an rpc")]]) };
const inMessage = new Map<number, Kind>();
const message: Kind = { words: "a message", within: inMessage };
inMessage
  .set(bytesField(2), field)
  .set(bytesField(3), message)
  .set(bytesField(4), enumeration)
  .set(bytesField(6), extension)
  .set(bytesField(8), leaf("a oneof"));
const inFile: ReadonlyMap<number, Kind> = new Map([
  [bytesField(4), message],
  [bytesField(5), enumeration],
  [bytesField(6), service],
  [bytesField(7), extension],
]);

/** Throws a {@link PluginError} for the first of `files` that declares what cannot be a name, or the same name twice. */
export function requireDeclaredNames(files: readonly ProtoFile[]): void {
  for (const file of files) {
    if (file.package !== "") requireFullName("a package", file.package, file.name);
    orMalformed(() => checkScope(file.bytes, inFile, file.package, file, 0));
  }
}

function checkScope(
  bytes: Uint8Array,
  within: ReadonlyMap<number, Kind>,
  scope: string,
  file: ProtoFile,
  depth: number,
): void {
  requireDepth(depth);
  const declared = new Set<string>();
  eachField(bytes, (tag, reader) => {
    const kind = within.get(tag);
    if (kind === undefined) return false;
    const declaration = reader.bytes();
    const name = nameOf(declaration);
    requireName(kind.words, name, { file: file.name, scope });
    if (declared.has(name)) {
      throw new PluginError(`declares ${name} twice`, {
        file: file.name,
        ...(scope !== "" && { symbol: scope }),
        hint: "this is a fault of the compiler that runs this plugin",
      });
    }
    declared.add(name);
    if (kind.within.size > 0) {
      checkScope(declaration, kind.within, scope === "" ? name : `${scope}.${name}`, file, depth + 1);
    }
    return true;
  });
}
