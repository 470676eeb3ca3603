import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { missingParts } from './parts.js';

/** The name of the program, for `needs`. */
export const BROWSER = 'chromium';

/** Flags that keep the browser from making requests of its own. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Long enough for a machine that is busy with other tests. */
const TIMEOUT_MS = 180_000;

let browser: Promise<Browser> | undefined;

const launch = (): Promise<Browser> => {
  browser ??= chromium.launch({ executablePath: `/usr/bin/${BROWSER}`, args: ARGUMENTS });
  return browser;
};

/** Closes the browser that the pages of a test file share; for `test.after.always`. */
export const closeBrowser = async (): Promise<void> => {
  if (missingParts(BROWSER).length === 0) await (await browser)?.close();
};

export interface PageOptions extends BrowserContextOptions {
  /** Problems to ignore: the refusals that the test is about. */
  expected?: RegExp;
}

/** Collects what no page may have: errors in its console, and requests to other origins. */
const collectProblems = (page: Page, origin: string, expected: RegExp | undefined): string[] => {
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
 * Opens a page in a fresh browser context. The test fails if the page has had problems by its end, violations of the
 * security policy included.
 */
export const openPage = async (
  t: ExecutionContext,
  url: string,
  { expected, ...options }: PageOptions = {},
): Promise<Page> => {
  t.timeout(3 * TIMEOUT_MS);
  const context = await (await launch()).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const problems = collectProblems(page, new URL(url).origin, expected);
  t.teardown(async () => {
    await context.close();
    if (problems.length > 0) throw new Error(`the page has problems:\n${problems.join('\n')}`);
  });
  await page.goto(url);
  return page;
};

/** The table row that contains an element with exactly this text. */
export const rowWith = (page: Page, text: string): Locator =>
  page.getByRole('row').filter({ has: page.getByText(text, { exact: true }) });
