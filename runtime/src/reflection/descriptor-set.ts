/** Reads what generated tables embed. */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

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
    if (field === 1) files.push(describeFile(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}

function describeFile(bytes: Uint8Array): DescribedFile {
  const file = fromBinary(FileDescriptorProtoSchema, bytes);
  const contents = new Contents(file);
  return { name: file.name, bytes, imports: file.dependency, ...contents };
}

/** Collects what a file declares. */
class Contents {
  readonly symbols = new Set<string>();
  readonly messages = new Set<string>();
  readonly extensions: Extension[] = [];

  constructor(file: FileDescriptorProto) {
    const scope = file.package === "" ? "" : `${file.package}.`;
    for (const message of file.messageType) this.#addMessage(scope, message);
    for (const one of file.enumType) this.#addEnum(scope, one);
    for (const extension of file.extension) this.#addExtension(scope, extension);
    for (const service of file.service) {
      this.symbols.add(scope + service.name);
      for (const { name } of service.method) this.symbols.add(`${scope}${service.name}.${name}`);
    }
  }

  #addMessage(scope: string, message: DescriptorProto): void {
    const typeName = scope + message.name;
    this.symbols.add(typeName);
    this.messages.add(typeName);
    for (const { name } of [...message.field, ...message.oneofDecl]) this.symbols.add(`${typeName}.${name}`);
    for (const nested of message.nestedType) this.#addMessage(`${typeName}.`, nested);
    for (const one of message.enumType) this.#addEnum(`${typeName}.`, one);
    for (const extension of message.extension) this.#addExtension(`${typeName}.`, extension);
  }

  /** Values are beside their enum, not inside of it: as in C++, where protobuf has the rule from. */
  #addEnum(scope: string, { name, value }: EnumDescriptorProto): void {
    for (const symbol of [name, ...value.map((one) => one.name)]) this.symbols.add(scope + symbol);
  }

  #addExtension(scope: string, { name, extendee, number }: FieldDescriptorProto): void {
    this.symbols.add(scope + name);
    this.extensions.push({ extendee: extendee.replace(/^\./, ""), number });
  }
}
