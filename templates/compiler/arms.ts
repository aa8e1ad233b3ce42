/** Finds the arms of a template: members that repeat for every rpc, or for every rpc of one kind. */
import type { MethodDeclaration, MethodSignature, PropertyAssignment, PropertySignature, SourceFile } from "ts-morph";
import { Node } from "ts-morph";
import { refuse } from "./refuse.js";

/** The name of an arm and the kind of rpc that it is for; undefined: for all. */
export const armKinds: ReadonlyMap<string, string | undefined> = new Map([
  ["$method", undefined],
  ["$unary", "unary"],
  ["$serverStream", "serverStream"],
  ["$clientStream", "clientStream"],
  ["$bidiStream", "bidiStream"],
]);

export interface Arm {
  readonly name: string;
  readonly kind: string | undefined;
  /** Offsets. */
  readonly start: number;
  readonly end: number;
  /** Lines, counted from 1; comments above the member are among them. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** The arms of a template, from top to bottom. */
export function readArms(source: SourceFile): Arm[] {
  const arms: Arm[] = [];
  source.forEachDescendant((node) => {
    if (!isMember(node) || !armKinds.has(node.getName())) return;
    const arm = readArm(source, node);
    const previous = arms.at(-1);
    if (previous !== undefined) checkNeighbours(source, previous, arm);
    arms.push(arm);
  });
  return arms;
}

type Member = PropertySignature | MethodSignature | PropertyAssignment | MethodDeclaration;

function isMember(node: Node): node is Member {
  return (
    Node.isPropertySignature(node) ||
    Node.isMethodSignature(node) ||
    Node.isPropertyAssignment(node) ||
    Node.isMethodDeclaration(node)
  );
}

function readArm(source: SourceFile, node: Member): Arm {
  const start = node.getLeadingCommentRanges()[0]?.getPos() ?? node.getStart();
  const text = source.getFullText();
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start).trim();
  const after = text.slice(node.getEnd(), text.indexOf("\n", node.getEnd())).trim();
  if (before !== "" || (after !== "" && after !== ",")) {
    refuse(source, node.getStart(), "an arm is printed in whole lines: put nothing else on them");
  }
  if (Node.isObjectLiteralExpression(node.getParent()) && after !== ",") {
    refuse(source, node.getStart(), "an arm repeats: end it with a comma");
  }
  return {
    name: node.getName(),
    kind: armKinds.get(node.getName()),
    start,
    end: node.getEnd(),
    firstLine: source.getLineAndColumnAtPos(start).line,
    lastLine: source.getLineAndColumnAtPos(node.getEnd()).line,
  };
}

function checkNeighbours(source: SourceFile, previous: Arm, arm: Arm): void {
  if (arm.start < previous.end) {
    refuse(source, arm.start, `an arm inside an arm: ${previous.name} is already one loop over the methods`);
  }
  const between = source.getFullText().slice(previous.end, arm.start);
  if (arm.firstLine > previous.lastLine + 1 && /^,?\s*$/.test(between)) {
    refuse(source, arm.start, "adjacent arms are one loop, which has no place for the empty line between them");
  }
}
