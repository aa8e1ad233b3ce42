/**
 * Reads what generated tables embed, and no more of it than names: descriptor.proto as a library has it takes longer to load
 * than the rest of this package.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** A proto file, as far as reflection looks into it. */
export interface DescribedFile {
  readonly name: string;
  /** Its FileDescriptorProto as it was embedded: what this version does not know is still there. */
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
  /** The full names of all that it declares. */
  readonly symbols: ReadonlySet<string>;
  /** The full names of its messages; they are among its symbols. */
  readonly messages: ReadonlySet<string>;
  readonly extensions: readonly Extension[];
}

export interface Extension {
  /** Full name of the message that is extended. */
  readonly extendee: string;
  readonly number: number;
}

/** Services of one file share one text, and so may several servers: each is read once. */
const known = new Map<string, readonly DescribedFile[]>();

/** The files of a FileDescriptorSet in base64. Throws where it is none. */
export function readDescriptorSet(descriptorSet: string): readonly DescribedFile[] {
  let files = known.get(descriptorSet);
  if (files === undefined) {
    files = filesOf(Buffer.from(descriptorSet, "base64"));
    known.set(descriptorSet, files);
  }
  return files;
}

function filesOf(bytes: Uint8Array): DescribedFile[] {
  const files: DescribedFile[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === setFields.file) files.push(new DescriptorReader(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}

// Field numbers of google/protobuf/descriptor.proto. The name of whatever has one is its field 1.
const nameField = 1;
const setFields = { file: 1 } as const;
const fileFields = { package: 2, dependency: 3, message: 4, enum: 5, service: 6, extension: 7 } as const;
const messageFields = { field: 2, message: 3, enum: 4, extension: 6, oneof: 8 } as const;
const fieldFields = { extendee: 2, number: 3 } as const;
const enumFields = { value: 2 } as const;
const serviceFields = { method: 2 } as const;

/**
 * Walks a FileDescriptorProto once, from its first byte to its last. The plugin writes fields in the order of their numbers:
 * the name of a thing, and the package of a file, come before what is inside of it.
 */
class DescriptorReader implements DescribedFile {
  readonly bytes: Uint8Array;
  readonly imports: string[] = [];
  readonly symbols = new Set<string>();
  readonly messages = new Set<string>();
  readonly extensions: Extension[] = [];
  readonly #reader: BinaryReader;
  name = "";

  /** Throws where the bytes are no message. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#reader = new BinaryReader(bytes);
    let scope = "";
    this.#eachField(bytes.length, (field) => {
      if (field === nameField) this.name = this.#reader.string();
      else if (field === fileFields.package) scope = `${this.#reader.string()}.`;
      else if (field === fileFields.dependency) this.imports.push(this.#reader.string());
      else if (field === fileFields.message) this.#readMessage(scope);
      else if (field === fileFields.enum) this.#readEnum(scope);
      else if (field === fileFields.service) this.#readService(scope);
      else if (field === fileFields.extension) this.#readExtension(scope);
      else return false;
      return true;
    });
  }

  #readMessage(scope: string): void {
    let inside = scope;
    this.#eachField(this.#readEnd(), (field) => {
      if (field === nameField) {
        const typeName = this.#addName(scope);
        this.messages.add(typeName);
        inside = `${typeName}.`;
      } else if (field === messageFields.field || field === messageFields.oneof) this.#readName(inside);
      else if (field === messageFields.message) this.#readMessage(inside);
      else if (field === messageFields.enum) this.#readEnum(inside);
      else if (field === messageFields.extension) this.#readExtension(inside);
      else return false;
      return true;
    });
  }

  #readService(scope: string): void {
    let inside = scope;
    this.#eachField(this.#readEnd(), (field) => {
      if (field === nameField) inside = `${this.#addName(scope)}.`;
      else if (field === serviceFields.method) this.#readName(inside);
      else return false;
      return true;
    });
  }

  /** Values are beside their enum, not inside of it: as in C++, where protobuf has the rule from. */
  #readEnum(scope: string): void {
    this.#eachField(this.#readEnd(), (field) => {
      if (field === nameField) this.#addName(scope);
      else if (field === enumFields.value) this.#readName(scope);
      else return false;
      return true;
    });
  }

  #readExtension(scope: string): void {
    let extendee = "";
    let number = 0;
    this.#eachField(this.#readEnd(), (field) => {
      if (field === nameField) this.#addName(scope);
      else if (field === fieldFields.extendee) extendee = this.#reader.string().replace(/^\./, "");
      else if (field === fieldFields.number) number = this.#reader.int32();
      else return false;
      return true;
    });
    this.extensions.push({ extendee, number });
  }

  /** A message of which nothing but the name is wanted: most of a file are fields and values. */
  #readName(scope: string): void {
    this.#eachField(this.#readEnd(), (field) => {
      if (field === nameField) this.#addName(scope);
      return field === nameField;
    });
  }

  #addName(scope: string): string {
    const symbol = scope + this.#reader.string();
    this.symbols.add(symbol);
    return symbol;
  }

  /** Where the message ends whose length comes next. */
  #readEnd(): number {
    const length = this.#reader.uint32();
    return this.#reader.pos + length;
  }

  /** Shows the fields until `end` to `read`, which reads the value of one and returns true, or false to pass over it. */
  #eachField(end: number, read: (field: number) => boolean): void {
    while (this.#reader.pos < end) {
      const [field, wireType] = this.#reader.tag();
      if (!read(field)) this.#reader.skip(wireType, field);
    }
  }
}
