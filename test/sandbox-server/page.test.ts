import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium as launcher } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServer } from './server.js';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const title = `the page, in a browser${chromium ? '' : ' (skipped: no Chromium on this machine)'}`;

describe.skipIf(chromium === undefined)(title, () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  /** Have little of one kind of time. */
  let hasty: Record<string, typeof server> = {};
  let browser: Browser;
  beforeAll(async () => {
    server = await openServer();
    hasty = {
      ERR_SCRIPT_CPU: await openServer({ CPU_MILLIS: '300' }),
      ERR_SCRIPT_DEADLINE: await openServer({ DEADLINE_MILLIS: '300' }),
    };
    browser = await launcher.launch({ executablePath: chromium ?? '', args: flags });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server, ...Object.values(hasty)].map((it) => it?.close()));
  });

  async function open(options: BrowserContextOptions = {}, { address } = server) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(100_000); // only a hang meets it
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(address) && !url.startsWith('data:')) problems.push(url);
    });
    await page.goto(address);
    return { page, problems, [Symbol.asyncDispose]: () => page.close() };
  }

  test('runs a script with Ctrl+Enter, and shows what came of it', async () => {
    await using it = await open();
    const { page, problems } = it;
    await page
      .getByRole('textbox', { name: 'Script' })
      .fill('console.warn("hi"); ({ six: 2 * 3 })');
    await page.keyboard.press('Control+Enter');
    await page.getByText('200 OK').waitFor();
    expect(JSON.parse((await page.locator('#result').textContent()) ?? '')).toEqual({ six: 6 });
    expect(await page.locator('#console').textContent()).toBe('hi');
    expect(await page.locator('#outcome').textContent()).toMatch(/quickjs#\d+.*Waited.*Ran/s);
    expect(problems).toEqual([]);
  });

  test.for([
    ['Computes forever', 'ERR_SCRIPT_CPU'],
    ['One call that takes centuries', 'ERR_SCRIPT_CPU'],
    ['Sleeps too long', 'ERR_SCRIPT_DEADLINE'],
    ['Never settles', 'ERR_SCRIPT_PENDING'],
    ['Calls itself forever', 'ERR_SCRIPT_STACK'],
    ['Nests deeper than the engine can', 'ERR_SCRIPT_STACK'],
    ['Floods the console', 'ERR_SCRIPT_CONSOLE_SIZE'],
    ['A result that is not JSON', 'ERR_SCRIPT_RESULT'],
    ['Throws', 'ERR_SCRIPT_THREW'],
  ] as const)('its example “%s” ends with %s', async ([label, code]) => {
    await using it = await open({}, hasty[code]);
    await it.page.getByLabel('Example').selectOption({ label });
    await it.page.getByRole('button', { name: 'Run', exact: true }).click();
    await it.page.getByText(`422 ${code}`, { exact: true }).waitFor();
    expect(it.problems).toEqual([]);
  });

  test('shows the pool while it is busy', async () => {
    await using it = await open();
    const { page } = it;
    await page.getByRole('textbox', { name: 'Script' }).fill('sleep(60_000)');
    await page.getByRole('button', { name: 'Run 20 times' }).click();
    await page
      .getByRole('progressbar', { name: 'Instances running' })
      .and(page.locator('[aria-valuenow="4"]'))
      .waitFor();
    await page
      .getByRole('progressbar', { name: 'Requests waiting' })
      .and(page.locator('[aria-valuenow="1"]'))
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('You cancelled it.').waitFor();
    await page.getByRole('textbox', { name: 'Script' }).fill('1');
    await page.getByRole('button', { name: 'Run 20 times' }).click();
    await page.getByText('20 done').waitFor();
    expect(it.problems).toEqual([]);
  });

  test('shows no more than text of what scripts give', async () => {
    await using it = await open();
    const script =
      'const html = "<img src=x onerror=alert(1)>"; console.log(html); throw new Error(html)';
    await it.page.getByRole('textbox', { name: 'Script' }).fill(script);
    await it.page.keyboard.press('Control+Enter');
    await it.page.getByText('422 ERR_SCRIPT_THREW').waitFor();
    expect(await it.page.locator('#outcome img').count()).toBe(0);
  });

  test.for([320, 375, 700, 1400])('is never wider than a window of %i pixels', async (width) => {
    await using it = await open({ viewport: { width, height: 700 } });
    await it.page.getByRole('textbox', { name: 'Script' }).fill('"x".repeat(500)');
    await it.page.keyboard.press('Control+Enter');
    await it.page.getByText('200 OK').waitFor();
    expect(await it.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      width,
    );
  });
});
