import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { missingParts } from './needs.js';

/** What Debian calls it, for `needs`. */
export const BROWSER = 'chromium';

/** A browser that asks nobody for anything but what its pages ask for. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** For a machine that is busy with other tests. */
const PATIENCE_MS = 60_000;

let browser: Promise<Browser> | undefined;

const launch = (): Promise<Browser> => {
  browser ??= chromium.launch({ executablePath: `/usr/bin/${BROWSER}`, args: ARGUMENTS });
  return browser;
};

/** For `test.after.always` of each file that opens pages: they share one browser. */
export const closeBrowser = async (): Promise<void> => {
  if (missingParts(BROWSER).length === 0) await (await browser)?.close();
};

export interface PageOptions extends BrowserContextOptions {
  /** What the page may complain of: refusals that the test is about. */
  expected?: RegExp;
}

/** What no page may have: errors in its console, and requests to anywhere else. */
const watchFor = (page: Page, origin: string, expected: RegExp | undefined): string[] => {
  const problems: string[] = [];
  const note = (problem: string): void => {
    if (!expected?.test(problem)) problems.push(problem);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`uncaught: ${error.stack}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && url.origin !== origin) note(`request to ${url.origin}`);
  });
  return problems;
};

/**
 * Opens a page in a browser that knows nothing of other tests' pages. At the end of the test it must have had nothing
 * to complain of, violations of its security policy included.
 */
export const openPage = async (
  t: ExecutionContext,
  url: string,
  { expected, ...options }: PageOptions = {},
): Promise<Page> => {
  t.timeout(5 * PATIENCE_MS);
  const context = await (await launch()).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const problems = watchFor(page, new URL(url).origin, expected);
  t.teardown(async () => {
    await context.close();
    if (problems.length > 0) throw new Error(`the page has problems:\n${problems.join('\n')}`);
  });
  await page.goto(url);
  return page;
};

/** The row of a table that has just these words somewhere. */
export const rowWith = (page: Page, text: string): Locator =>
  page.getByRole('row').filter({ has: page.getByText(text, { exact: true }) });
