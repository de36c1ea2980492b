import type { Page } from 'playwright-core';
import { axe } from './packages.ts';

/** Faults that axe finds in what is shown, a line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  // By the debugger's way, which the page's policy does not keep out.
  await page.evaluate(axe!.source);
  const violations = await page.evaluate(async () => {
    const { axe: checker } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> };
    };
    return (await checker.run()).violations;
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  );
}
