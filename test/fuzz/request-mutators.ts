/** Changes to a CodeGeneratorRequest: those that know what is in it, and those that see bytes. */
import type { DescField } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { chance, hostileNumber, hostileText, oneOf } from "./hostile-values.js";
import type { Random } from "./target.js";
import { anyPlace, Node, placeOf, wireTypeOf } from "./wire-tree.js";

/** Makes one change somewhere in the request: in one of its files, most of the time. */
export function mutate(request: Node, random: Random): void {
  if (chance(random, 0.2)) {
    oneOf(random, requestMutators)(request, random);
    return;
  }
  const files = filesOf(request);
  const root = files.length === 0 || chance(random, 0.1) ? request : oneOf(random, files);
  oneOf(random, mutators)(root, random);
}

/** `root` is a request, or a file of it. */
type Mutator = (root: Node, random: Random) => void;

const mutators: readonly Mutator[] = [
  drop,
  double,
  moveElsewhere,
  swapPayloads,
  replaceText,
  replaceText,
  replaceText,
  replaceNumber,
  addField,
  addField,
  addField,
  changeType,
  changeType,
  nameTwice,
  nestGroups,
  nestInOptions,
  addGarbage,
  renumber,
];

/** What has to know the files of a request. */
const requestMutators: readonly Mutator[] = [
  importAgain,
  importAgain,
  importChain,
  addLocation,
  addLocation,
  nestMessages,
  changeEdition,
  changeEdition,
];

function drop(request: Node, random: Random): void {
  const place = anyPlace(request, random);
  place?.siblings.splice(place.index, 1);
}

function double(request: Node, random: Random): void {
  const place = anyPlace(request, random);
  place?.siblings.splice(random.int(place.siblings.length + 1), 0, copyOf(place.node));
}

function moveElsewhere(request: Node, random: Random): void {
  const place = anyPlace(request, random);
  const target = placeOf(request, random, (node) => node.children !== undefined)?.node.children;
  if (place === undefined || target === undefined) return;
  const copy = copyOf(place.node);
  place.siblings.splice(place.index, 1);
  target.splice(random.int(target.length + 1), 0, copy);
}

function swapPayloads(request: Node, random: Random): void {
  const hasLength = ({ wireType }: Node) => wireType === WireType.LengthDelimited;
  const one = placeOf(request, random, hasLength)?.node;
  const other = placeOf(request, random, hasLength)?.node;
  if (one === undefined || other === undefined) return;
  const [payload, otherPayload] = [one.payload, other.payload];
  one.payload = otherPayload;
  other.payload = payload;
}

function replaceText(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ isText }) => isText);
  if (place !== undefined) place.node.payload = hostileText(random);
}

function replaceNumber(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ wireType }) => wireType === WireType.Varint);
  if (place !== undefined) place.node.payload = varint(hostileNumber(random));
}

/** A field that the schema knows, whether or not the message has one already. */
function addField(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ children }) => children !== undefined);
  const fields = place?.node.field?.message?.fields ?? [];
  if (place === undefined || fields.length === 0) return;
  const field = oneOf(random, fields);
  const children = place.node.children!;
  children.splice(random.int(children.length + 1), 0, Node.of(field, anyPayload(field, random)));
}

function anyPayload(field: DescField, random: Random): Uint8Array {
  switch (wireTypeOf(field)) {
    case WireType.Varint:
      return varint(hostileNumber(random));
    case WireType.Bit64:
      return random.bytes(8);
    default:
      return field.message === undefined ? hostileText(random) : random.bytes(random.int(3));
  }
}

const typeNames = new Set(["FieldDescriptorProto.type_name", "FieldDescriptorProto.extendee"]);
const methodTypes = new Set(["MethodDescriptorProto.input_type", "MethodDescriptorProto.output_type"]);

const shortName = ({ field }: Node): string => (field === undefined ? "" : `${field.parent.name}.${field.name}`);

/** To another one's, to a message's or an enum's own name, or to nothing. */
function changeType(request: Node, random: Random): void {
  const wanted = chance(random, 0.5) ? typeNames : methodTypes;
  const isType = (node: Node) => wanted.has(shortName(node));
  const place = placeOf(request, random, isType);
  if (place === undefined) return;
  const other = placeOf(request, random, (node) => isType(node) || /DescriptorProto\.name$/.test(shortName(node)));
  place.node.payload =
    other === undefined || chance(random, 0.4)
      ? hostileText(random)
      : Buffer.concat([Buffer.from(oneOf(random, [".", ""])), other.node.payload]);
}

function nameTwice(request: Node, random: Random): void {
  const isName = (node: Node) => node.field?.name === "name" || node.field?.name === "package";
  const one = placeOf(request, random, isName);
  const other = placeOf(request, random, isName);
  if (one !== undefined && other !== undefined) one.node.payload = other.node.payload;
}

function filesOf(request: Node): Node[] {
  return (request.children ?? []).filter(({ number, children }) => number === 15 && children !== undefined);
}

const nameOf = (file: Node): Uint8Array => file.children?.find(({ number }) => number === 1)?.payload ?? Buffer.of();

const dependencyOn = (name: Uint8Array): Node => new Node(3, WireType.LengthDelimited, name, undefined);

/** A file imports itself, one that imports it, or one that it imports already. */
function importAgain(request: Node, random: Random): void {
  const files = filesOf(request);
  if (files.length === 0) return;
  oneOf(random, files).children!.push(dependencyOn(nameOf(oneOf(random, files))));
}

/** Files that import each other in a row, and the last one the first. */
function importChain(request: Node, random: Random): void {
  const files = filesOf(request);
  if (files.length === 0) return;
  const length = oneOf(random, [2, 10, 300]);
  const name = (i: number) => Buffer.from(`chain/${i % length}.proto`);
  for (let i = 0; i < length; i++) {
    const file = new BinaryWriter()
      .uint32(10)
      .bytes(name(i))
      .uint32(26)
      .bytes(name(i + 1));
    request.children!.push(new Node(15, WireType.LengthDelimited, file.finish(), undefined));
  }
  oneOf(random, files).children!.push(dependencyOn(name(0)));
}

/** A comment at a path that may or may not be there. */
function addLocation(request: Node, random: Random): void {
  const files = filesOf(request);
  if (files.length === 0) return;
  const path = new BinaryWriter();
  for (let i = random.int(oneOf(random, [6, 6, 6, 5000])); i >= 0; i--) {
    path.raw(varint(chance(random, 0.2) ? hostileNumber(random) : oneOf(random, [0n, 1n, 2n, 3n, 4n, 5n, 6n])));
  }
  const location = new BinaryWriter().uint32(10).bytes(path.finish());
  for (const tag of [26, 34, 50]) if (chance(random, 0.7)) location.uint32(tag).bytes(hostileText(random));
  const info = new BinaryWriter().uint32(10).bytes(location.finish());
  oneOf(random, files).children!.push(new Node(9, WireType.LengthDelimited, info.finish(), undefined));
}

const depths = [5, 31, 32, 33, 99, 100, 101, 1000, 10_000];

function nestMessages(request: Node, random: Random): void {
  const files = filesOf(request);
  if (files.length === 0) return;
  const message = nested(oneOf(random, depths), 3, new BinaryWriter().uint32(10).string("M").finish());
  oneOf(random, files).children!.push(new Node(4, WireType.LengthDelimited, message, undefined));
}

function nestGroups(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ children }) => children !== undefined);
  const depth = oneOf(random, depths);
  const [start, end] = [(77 << 3) | WireType.StartGroup, (77 << 3) | WireType.EndGroup];
  const tags = new BinaryWriter();
  for (let i = 1; i < depth; i++) tags.uint32(start);
  for (let i = 0; i < depth - (chance(random, 0.1) ? 1 : 0); i++) tags.uint32(end);
  place?.node.children?.push(new Node(77, WireType.StartGroup, tags.finish(), undefined));
}

/** Options of an option that is a message: as deep as that goes. */
function nestInOptions(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ field }) => field?.message?.name.endsWith("Options") ?? false);
  place?.node.children?.push(
    new Node(
      oneOf(random, [50, 999, 1000, 72_295_728]),
      WireType.LengthDelimited,
      nested(oneOf(random, depths), 1),
      undefined,
    ),
  );
}

/** A message with a message in the field `number`, and so on; each has `content` besides. Linear in its size. */
function nested(depth: number, number: number, content: Uint8Array = Buffer.of()): Uint8Array {
  const parts: Uint8Array[] = [content];
  let length = content.length;
  for (let i = 1; i < depth; i++) {
    const header = new BinaryWriter().raw(content).tag(number, WireType.LengthDelimited).uint32(length).finish();
    parts.push(header);
    length += header.length;
  }
  return Buffer.concat(parts.reverse());
}

function changeEdition(request: Node, random: Random): void {
  const files = filesOf(request);
  if (files.length === 0) return;
  const { children } = oneOf(random, files);
  const syntax = oneOf(random, ["editions", "editions", "proto2", "proto3", "proto4", ""]);
  children!.push(new Node(12, WireType.LengthDelimited, Buffer.from(syntax), undefined));
  children!.push(new Node(14, WireType.Varint, varint(hostileNumber(random)), undefined));
}

function addGarbage(request: Node, random: Random): void {
  const place = placeOf(request, random, ({ wireType }) => wireType === WireType.LengthDelimited);
  if (place === undefined) return;
  place.node.payload = Buffer.concat([place.node.payload, random.bytes(1 + random.int(12))]);
}

function renumber(request: Node, random: Random): void {
  const place = anyPlace(request, random);
  if (place !== undefined) place.node.number = 1 + random.int(20);
}

function copyOf({ number, wireType, payload, field }: Node): Node {
  return new Node(number, wireType, payload, field);
}

function varint(value: bigint): Uint8Array {
  return new BinaryWriter().uint64(value).finish();
}

/** Changes bytes without knowing what they are. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = () => random.int(copy.length + 1);
  switch (random.int(5)) {
    case 0:
    case 1:
      for (let i = random.int(4); i >= 0 && copy.length > 0; i--) {
        copy[random.int(copy.length)]! ^= 1 << random.int(8);
      }
      return copy;
    case 2:
      return copy.subarray(0, at());
    case 3: {
      const [from, to] = [at(), at()];
      return Buffer.concat([copy.subarray(0, from), random.bytes(random.int(6)), copy.subarray(Math.max(from, to))]);
    }
    default: {
      const from = at();
      return Buffer.concat([copy.subarray(0, at()), copy.subarray(from, from + random.int(200)), copy.subarray(at())]);
    }
  }
}
