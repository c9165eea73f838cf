import { createPool } from '@wasm-pool/core';
import { createInspector, type Inspector } from '@wasm-pool/core/inspector';
import { createWasmPool, type WasmPool } from '@wasm-pool/wasm-adapter';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser, needsBrowser } from '../helpers/browser.js';
import { wat } from '../helpers/wat.js';
import { type WebServer, webServer } from '../helpers/web-server.js';

/** Set to a folder to have pictures of the page. */
const pictures = process.env.PICTURES;

const hostile = `<img src=x onerror="document.title='owned'"></script><script>document.title='owned'</script>`;

describe.skipIf(!hasBrowser)(`the page for operators, in a browser${needsBrowser}`, () => {
  let browser: Browser;
  let server: WebServer;
  let inspector: Inspector;
  let pool: WasmPool<{ run(): void }>;

  beforeAll(async () => {
    const module = wat('(module (memory 2) (func (export "run")))');
    const options = { name: 'plugin', max: 4, min: 2, leakDetectionMillis: 600_000 };
    pool = await createWasmPool(module, options);
    const named = { create: () => ({ name: hostile }), destroy() {} };
    const other = createPool(named, { name: hostile, min: 1, maxUses: 1 });
    await other.ready();
    inspector = createInspector([pool, other], { intervalMillis: 50, historyLength: 120 });
    server = await webServer(inspector.listener);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    inspector?.close();
    await server?.[Symbol.asyncDispose]();
    await pool?.close({ timeoutMillis: 1 });
  });

  async function open(options: BrowserContextOptions = {}) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(100_000);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('request', (request) => {
      if (![server.at(''), 'data:'].some((it) => request.url().startsWith(it))) {
        problems.push(request.url());
      }
    });
    await page.goto(server.at('/pools'));
    await page.getByText('live', { exact: true }).waitFor();
    return { page, problems, [Symbol.asyncDispose]: () => page.close() };
  }

  const tile = (page: Page, name: string) =>
    page.locator('section').first().locator('dl div', { hasText: name }).locator('dd').first();

  test('it shows what is lent, idle and waiting as it changes, and where it was lent', async () => {
    await using it = await open();
    const { page } = it;
    await expect.poll(() => tile(page, 'on loan').textContent()).toBe('0 of 4');
    const lent: Awaited<ReturnType<typeof pool.acquire>>[] = [];
    for (let loan = 0; loan < 4; loan++) lent.push(await pool.acquire());
    const waiting = pool.acquire();
    await expect.poll(() => tile(page, 'on loan').textContent()).toBe('4 of 4');
    await expect.poll(() => tile(page, 'waiting').textContent()).toBe('1');
    const chart = page.getByRole('img', { name: /^Resources: on loan 4, idle 0, highest 4$/ });
    await chart.waitFor();
    const row = page.locator('section').first().locator('tr', { hasText: 'plugin#1' });
    expect(await row.textContent()).toMatch(/^plugin#1borrowed.*128 KiBat .*page\.test\.ts/);
    // Not by the mouse: it waits for two frames without a change, and the page changes all the time.
    await row.locator('summary').dispatchEvent('click');
    await row.locator('pre').waitFor();
    for (const instance of lent) await pool.release(instance);
    await pool.destroy(await waiting);
    await expect.poll(() => tile(page, 'on loan').textContent()).toBe('0 of 4');
    await page.locator('tr', { hasText: 'borrower' }).first().waitFor();
    expect(await tile(page, 'memory').textContent()).toMatch(/KiB$/);
    expect(it.problems).toEqual([]);
  });

  test('names with markup are text', async () => {
    await using it = await open();
    await expect.poll(() => it.page.locator('h2').last().textContent()).toBe(hostile);
    await expect.poll(() => it.page.locator('td.name', { hasText: 'img src' }).count()).toBe(1);
    expect(await it.page.title()).toBe('Pools');
    expect(await it.page.locator('img, main script').count()).toBe(0);
    expect(it.problems).toEqual([]);
  });

  test.for([
    [320, 'light'],
    [1400, 'dark'],
  ] as const)(
    'it is never wider than a window of %i pixels, and is %s',
    async ([width, scheme]) => {
      await using it = await open({ viewport: { width, height: 900 }, colorScheme: scheme });
      const { page } = it;
      const overflow = 'document.documentElement.scrollWidth';
      expect(await page.evaluate(overflow)).toBeLessThanOrEqual(width);
      const colour = (await page.evaluate(
        'getComputedStyle(document.body).backgroundColor',
      )) as string;
      const [red = 0] = colour.match(/\d+/g)?.map(Number) ?? [];
      if (scheme === 'dark') expect(red).toBeLessThan(60);
      else expect(red).toBeGreaterThan(200);
      if (pictures !== undefined) {
        const [held, ...more] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
        for (let turn = 0; turn < 60; turn++) {
          pool
            .use(() => new Promise((resolve) => setTimeout(resolve, 40 + turn * 5)))
            .catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
        await page.screenshot({ path: `${pictures}/${width}-${scheme}.png`, fullPage: true });
        for (const instance of [held, ...more]) if (instance) await pool.release(instance);
      }
    },
  );
});
