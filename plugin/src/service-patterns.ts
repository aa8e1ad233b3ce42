/** Which services the user wants output for: the option `services`. */
import { PluginError } from "./errors.js";
import type { FileModel } from "./model.js";
import { nearest } from "./nearest.js";

/** Patterns of full names; a service that one of them matches is wanted. */
export type ServicePatterns = readonly string[];

/** Parses `demo.v1.Greeter+demo.admin.*`. Throws a {@link PluginError} for what can be the name of no service. */
export function parsePatterns(value: string): ServicePatterns {
  const patterns = value.split("+");
  for (const pattern of patterns) {
    if (/^[\w.*]+$/.test(pattern)) continue;
    throw new PluginError(`option services takes names of services, not "${pattern}"`, {
      hint: "write it as in services=demo.v1.Greeter+demo.admin.*",
    });
  }
  return patterns;
}

/**
 * The models with the wanted services only, and without files that have none. Throws a {@link PluginError} for a pattern
 * that matches nothing, since it is most likely misspelt.
 */
export function withWanted(models: readonly FileModel[], patterns: ServicePatterns): readonly FileModel[] {
  const names = models.flatMap(({ services }) => services.map(({ typeName }) => typeName));
  for (const pattern of patterns) {
    if (pattern === everything || names.some(matcherOf(pattern))) continue;
    const meant = pattern.includes("*") ? undefined : nearest(pattern, names);
    throw new PluginError(`option services: ${pattern} is no service of this request`, {
      hint:
        meant === undefined
          ? "with buf, which asks for each directory by itself, write strategy: all"
          : `did you mean ${meant}?`,
    });
  }
  const matchers = patterns.map(matcherOf);
  return models
    .map((model) => ({
      ...model,
      services: model.services.filter(({ typeName }) => matchers.some((matches) => matches(typeName))),
    }))
    .filter(({ services }) => services.length > 0);
}

/** Also where there are no services at all. */
const everything = "*";

/** `*` stands for any characters, dots among them: what is between two of them is looked for from left to right. */
function matcherOf(pattern: string): (name: string) => boolean {
  const [start = "", ...rest] = pattern.split("*");
  const end = rest.pop();
  if (end === undefined) return (name) => name === pattern;
  return (name) => {
    let at = start.length;
    if (!name.startsWith(start)) return false;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return name.length - end.length >= at && name.endsWith(end);
  };
}
