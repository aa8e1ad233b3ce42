/** Values of a JSON file that know where they stand, so that what is wrong with one can be said. */
import { PluginError } from "../errors.js";
import { nearest } from "../nearest.js";
import { findJsonFault } from "./json-syntax.js";

/** Parses a JSON file. Throws a {@link PluginError} that begins with `name`. */
export function parseJson(bytes: Uint8Array, name: string): JsonValue {
  let text: string;
  try {
    // Takes a byte order mark for what it is.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PluginError(`${name}: is not UTF-8`, { hint: "save it as UTF-8" });
  }
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    const { line, column, message, hint } = fault;
    throw new PluginError(`${name}: line ${line}, column ${column}: ${message}`, { hint });
  }
  return new JsonValue(JSON.parse(text), name, "");
}

/** A value and its place. Every method but `fault` throws a {@link PluginError} where the value is of another type. */
export class JsonValue {
  readonly #value: unknown;
  readonly #file: string;
  /** `methodConfig[2].timeout`; empty for the whole file. */
  readonly path: string;

  constructor(value: unknown, file: string, path: string) {
    this.#value = value;
    this.#file = file;
    this.path = path;
  }

  /** What is wrong here, and what to do about it. */
  fault(message: string, hint: string): PluginError {
    const where = this.path === "" ? this.#file : `${this.#file}: ${this.path}`;
    return new PluginError(`${where}: ${message}`, { hint });
  }

  /** Not what it must be. */
  mismatch(expected: string, hint: string): PluginError {
    return this.fault(`must be ${expected}, not ${describe(this.#value)}`, hint);
  }

  /**
   * The fields of an object, none of which may be called anything else. As in the JSON of protobuf, null is as good as
   * nothing.
   */
  fields<Name extends string>(known: readonly Name[]): Partial<Readonly<Record<Name, JsonValue>>> {
    if (typeof this.#value !== "object" || this.#value === null || Array.isArray(this.#value)) {
      throw this.mismatch("an object", `write { } with any of ${known.join(", ")}`);
    }
    const fields: Partial<Record<Name, JsonValue>> = {};
    for (const [name, value] of Object.entries(this.#value)) {
      const field = known.find((one) => one === name);
      const place = new JsonValue(value, this.#file, this.path === "" ? name : `${this.path}.${name}`);
      if (field === undefined) throw place.#unknownAmong(known, name);
      if (value !== null) fields[field] = place;
    }
    return fields;
  }

  /** Throws, for a field that an object must have. */
  missing(name: string): never {
    throw new JsonValue(undefined, this.#file, `${this.path}.${name}`).fault(
      "is missing",
      "add it, every policy needs it",
    );
  }

  items(example: string): JsonValue[] {
    if (!Array.isArray(this.#value)) throw this.mismatch("a list", `write ${example}`);
    return this.#value.map((item, i) => new JsonValue(item, this.#file, `${this.path}[${i}]`));
  }

  text(): string {
    if (typeof this.#value !== "string") throw this.mismatch("a string", "write one, in double quotes");
    return this.#value;
  }

  boolean(): boolean {
    if (typeof this.#value !== "boolean") throw this.mismatch("true or false", "write one of the two, without quotes");
    return this.#value;
  }

  /** Throws where the number is not what it `must` be; for that, `is` decides. */
  number(must: string, is: (number: number) => boolean): number {
    if (typeof this.#value !== "number" || !Number.isFinite(this.#value) || !is(this.#value)) {
      throw this.mismatch(must, typeof this.#value === "string" ? "write it without quotes" : "write such a number");
    }
    return this.#value;
  }

  /** The string or the number that it is; undefined for what is neither. */
  scalar(): string | number | undefined {
    return typeof this.#value === "string" || typeof this.#value === "number" ? this.#value : undefined;
  }

  #unknownAmong(known: readonly string[], name: string): PluginError {
    const meant = nearest(name, known);
    return this.fault(
      "is no field of a service config",
      meant === undefined ? `remove it; there are ${known.join(", ")}` : `did you mean ${meant}?`,
    );
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
