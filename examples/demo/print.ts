/** How the demo speaks: in colour on a terminal, plainly elsewhere. */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const style = (format: Style, text: string) => (coloured ? styleText(format, text) : text);

export function heading(text: string): void {
  console.log(`\n${style("bold", text)}`);
}

/** Something that has happened. */
export function moment(text: string): void {
  console.log(`  ${style("green", "✓")} ${text}`);
}

/** What came of something, after a label. */
export function detail(label: string, text: string): void {
  console.log(`    ${style("cyan", label.padEnd(16))} ${text}`);
}
