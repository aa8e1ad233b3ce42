import type { ServiceDesc } from "@trunkline/runtime";
import { $descriptorSet } from "./holes.js";
import { $ServiceDesc } from "./service-desc.js";

/** The table with the descriptors of its file: what servers that have the service show to tools by reflection. */
export const $serviceDescriptors: Required<Pick<ServiceDesc, "descriptorSet">> = Object.assign($ServiceDesc, {
  descriptorSet: $descriptorSet,
});
