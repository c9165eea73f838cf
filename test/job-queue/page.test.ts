import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import { type JobQueue, openJobQueue } from '../../examples/job-queue/dist/open-job-queue.js';
import { hasBrowser, launchBrowser, needsBrowser } from '../helpers/browser.js';
import { hasRedis } from './redis.js';

const needs = hasRedis ? needsBrowser : ' (skipped: redis-server is not installed)';

describe.skipIf(!hasRedis || !hasBrowser)(`the page of the job queue, in a browser${needs}`, () => {
  let queue: JobQueue;
  let address: string;
  let browser: Browser;
  beforeAll(async () => {
    queue = await openJobQueue(readConfig({ PROCESSES: '2', LOCK_MILLIS: '1000' }));
    address = await queue.app.listen({ host: '127.0.0.1', port: 0 });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await queue?.close();
  });

  async function open(options: BrowserContextOptions = {}) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(100_000);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      if (![address, 'data:'].some((it) => request.url().startsWith(it))) {
        problems.push(request.url());
      }
    });
    await page.goto(address);
    return { page, problems, [Symbol.asyncDispose]: () => page.close() };
  }

  test('a batch is rendered by all processes, and the picture shows it', async () => {
    await using it = await open();
    const { page } = it;
    await expect.poll(() => page.locator('#processes tr').count()).toBe(2);
    await page.getByRole('button', { name: 'Render' }).click();
    await page.getByRole('progressbar').and(page.locator('[aria-valuenow="256"]')).waitFor();
    expect(await page.getByRole('status').textContent()).toMatch(/^256 of 256 jobs, [\d.]+ s$/);
    const opaque = await page.evaluate(`(() => {
      const canvas = document.getElementById('picture');
      const { data } = canvas.getContext('2d').getImageData(0, 0, 512, 512);
      return data.filter((_, at) => at % 4 === 3).every((alpha) => alpha === 255);
    })()`);
    expect(opaque).toBe(true);
    const done = page.locator('#processes tr td:nth-child(3)');
    await expect
      .poll(async () => (await done.allTextContents()).reduce((sum, text) => sum + Number(text), 0))
      .toBeGreaterThanOrEqual(256);
    expect(it.problems).toEqual([]);
  });

  test('a process that is killed is replaced, and the batch is done all the same', async () => {
    await using it = await open();
    const { page } = it;
    await expect.poll(() => page.locator('#processes tr').count()).toBe(2);
    const pids = await page.locator('#processes tr td:first-child').allTextContents();
    await page.getByLabel('Place').selectOption({ label: 'Seahorse valley' });
    await page.getByRole('button', { name: 'Render' }).click();
    await page.getByRole('button', { name: `Kill ${pids[0]}` }).click();
    await page.getByRole('progressbar').and(page.locator('[aria-valuenow="256"]')).waitFor();
    await expect
      .poll(async () => {
        const now = await page.locator('#processes tr td:first-child').allTextContents();
        return now.length === 2 && !now.includes(pids[0] ?? '');
      })
      .toBe(true);
    expect(await page.getByRole('status').textContent()).not.toMatch(/failed/);
    expect(it.problems).toEqual([]);
  });

  test.for([320, 700, 1400])('it is never wider than a window of %i pixels', async (width) => {
    await using it = await open({ viewport: { width, height: 700 } });
    await expect.poll(() => it.page.locator('#processes tr').count()).toBe(2);
    expect(await it.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      width,
    );
  });
});
