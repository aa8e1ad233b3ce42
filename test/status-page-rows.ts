/** The rows of the status page, as a browser has them. */
import type { Page } from "playwright-core";

const rowOf = (page: Page, method: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: method, exact: true }) });

/** What the row of a method says, by column. */
export async function row(page: Page, method: string): Promise<{ [column: string]: string }> {
  const cells = await rowOf(page, method)
    .locator("td[data-label]")
    .evaluateAll((cells) => cells.map((cell) => [cell.dataset.label, cell.textContent]));
  return Object.fromEntries(cells);
}

/** Waits until the row of a method says so. */
export async function untilRow(page: Page, method: string, column: string, value: RegExp | string): Promise<void> {
  await rowOf(page, method)
    .locator(`td[data-label="${column}"]`)
    .filter({ hasText: typeof value === "string" ? new RegExp(`^${value}$`) : value })
    .waitFor();
}
