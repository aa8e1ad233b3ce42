/** An encoded message as a tree that can be changed anywhere: nodes are parsed when somebody looks into them. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Random } from "./target.js";

/** A field of a message, with what it holds. */
export class Node {
  number: number;
  wireType: WireType;
  /** What the schema says of it; undefined where it says nothing. */
  field: DescField | undefined;
  /** Without tag and length. */
  #payload: Uint8Array;
  #children: Node[] | undefined;

  constructor(number: number, wireType: WireType, payload: Uint8Array, field: DescField | undefined) {
    this.number = number;
    this.wireType = wireType;
    this.#payload = payload;
    this.field = field;
  }

  /** A whole message, which is in no field. */
  static root(bytes: Uint8Array, type: DescMessage): Node {
    const root = new Node(0, WireType.LengthDelimited, bytes, undefined);
    root.#children = parse(bytes, type);
    return root;
  }

  static of(field: DescField, payload: Uint8Array): Node {
    return new Node(field.number, wireTypeOf(field), payload, field);
  }

  /** The fields of a message; undefined for all else, and for what is none. */
  get children(): Node[] | undefined {
    const type = this.field?.message;
    if (this.#children === undefined && type !== undefined && this.wireType === WireType.LengthDelimited) {
      this.#children = parse(this.#payload, type);
    }
    return this.#children;
  }

  get payload(): Uint8Array {
    return this.#children === undefined ? this.#payload : Buffer.concat(this.#children.map((child) => child.encode()));
  }

  set payload(payload: Uint8Array) {
    this.#payload = payload;
    this.#children = undefined;
  }

  get isText(): boolean {
    return this.wireType === WireType.LengthDelimited && this.field?.message === undefined;
  }

  encode(): Uint8Array {
    const { payload } = this;
    const writer = new BinaryWriter().tag(this.number, this.wireType);
    if (this.wireType === WireType.LengthDelimited) writer.bytes(payload);
    else writer.raw(payload);
    return writer.finish();
  }
}

/** As the wire has it, so that what stands in a message is of the type that is expected there. */
export function wireTypeOf(field: DescField): WireType {
  const isVarint =
    field.fieldKind === "enum" || (field.fieldKind === "scalar" && field.scalar !== 9 && field.scalar !== 12);
  if (isVarint) return field.scalar === 1 ? WireType.Bit64 : WireType.Varint;
  return WireType.LengthDelimited;
}

/** Undefined where the bytes are no message. */
function parse(bytes: Uint8Array, type: DescMessage): Node[] | undefined {
  try {
    const reader = new BinaryReader(bytes);
    const nodes: Node[] = [];
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const start = reader.pos;
      let payload: Uint8Array;
      if (wireType === WireType.LengthDelimited) {
        payload = reader.bytes();
      } else {
        reader.skip(wireType, number);
        payload = bytes.subarray(start, reader.pos);
      }
      nodes.push(
        new Node(
          number,
          wireType,
          payload,
          type.fields.find((field) => field.number === number),
        ),
      );
    }
    return nodes;
  } catch {
    return undefined;
  }
}

/** A field, and where it is. */
export interface Place {
  readonly siblings: Node[];
  readonly index: number;
  readonly node: Node;
}

/** Any field below, each kind of a message's fields as likely as any other, however many there are of it. */
export function anyPlace(root: Node, random: Random): Place | undefined {
  let place: Place | undefined;
  for (let siblings = root.children; siblings !== undefined && siblings.length > 0; ) {
    const numbers = [...new Set(siblings.map(({ number }) => number))];
    const number = numbers[random.int(numbers.length)];
    const those = siblings.filter((sibling) => sibling.number === number);
    const node = those[random.int(those.length)]!;
    place = { siblings, index: siblings.indexOf(node), node };
    if (random.int(5) === 0) return place;
    siblings = node.children;
  }
  return place;
}

/** Any field below that `wanted` takes, undefined where none was met. */
export function placeOf(root: Node, random: Random, wanted: (node: Node) => boolean): Place | undefined {
  for (let tries = 0; tries < 20; tries++) {
    const place = anyPlace(root, random);
    if (place !== undefined && wanted(place.node)) return place;
  }
  return undefined;
}
