import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';

const AXE = new URL(import.meta.resolve('axe-core/axe.min.js'));

/** A rule that the page breaks, and where. */
interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Checks the page, as it is now, against the rules of WCAG 2.1 A and AA and axe's best practices. */
export const violations = async (page: Page): Promise<string[]> => {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const found = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Violation[];
  return found.flatMap(({ id, impact, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${impact} ${id}: ${html} ${failureSummary}`),
  );
};
