#!/usr/bin/env node
/** A protoc plugin that writes the request it gets to the file that its parameter names, and generates nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { BinaryReader } from "@bufbuild/protobuf/wire";

const request = readFileSync(0);
const reader = new BinaryReader(request);
let parameter = "";
// Decoding the whole of it would take gigabytes for all of google-proto-files.
while (reader.pos < reader.len) {
  const [field, type] = reader.tag();
  if (field === 2) parameter = reader.string();
  else reader.skip(type, field);
}
writeFileSync(parameter, request);
// supported_features = proto3 optional and editions; minimum_edition = PROTO2; maximum_edition = 2024.
process.stdout.write(Buffer.from([0x10, 0x03, 0x18, 0xe6, 0x07, 0x20, 0xe9, 0x07]));
