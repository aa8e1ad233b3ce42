import type { ServiceDesc } from "@trunkline/runtime";
import { embedOptions } from "@trunkline/runtime";
import { $ServiceDesc } from "./service-desc.js";

/** The table with what options of the proto say of the service, and of each of its methods. */
export const $serviceOptions: Required<Pick<ServiceDesc, "options">> = embedOptions($ServiceDesc, "$optionsOfService", {
  $unary: "$optionsOfMethod",
  $serverStream: "$optionsOfMethod",
  $clientStream: "$optionsOfMethod",
  $bidiStream: "$optionsOfMethod",
});
