import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium as launcher } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServer, photoOf } from './server.js';

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
  let browser: Browser;
  beforeAll(async () => {
    server = await openServer({ MEASURED: '12' });
    browser = await launcher.launch({ executablePath: chromium ?? '', args: flags });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(options: BrowserContextOptions = {}) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(100_000); // only a hang meets it
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      const isOurs = [server.address, 'data:', 'blob:'].some((it) => url.startsWith(it));
      if (!isOurs) problems.push(url);
    });
    await page.goto(server.address);
    await page.getByText('9 thumbnails in').waitFor();
    return { page, problems, [Symbol.asyncDispose]: () => page.close() };
  }

  const file = (name: string, mimeType: string, bytes: Uint8Array) => ({
    name,
    mimeType,
    buffer: Buffer.from(bytes),
  });

  test('shows the nine photographs, with what each of them took', async () => {
    await using it = await open();
    const images = it.page.getByRole('figure').getByRole('img');
    expect(await images.count()).toBe(9);
    for (const image of await images.all()) {
      const longest = await image.evaluate((img) =>
        Math.max(Reflect.get(img, 'naturalWidth'), Reflect.get(img, 'naturalHeight')),
      );
      expect(longest).toBe(320);
    }
    const first = it.page.getByRole('figure').first();
    expect(await first.textContent()).toMatch(
      /Timothy H. O’Sullivan, 1871320\s×\s234, \d+\skB of 323\skB\n(in [\d.,]+ ms by codec#\d|made before)/,
    );
    expect(it.problems).toEqual([]);
  });

  test('makes them anew in another size and format', async () => {
    await using it = await open();
    await it.page.getByRole('radio', { name: '640' }).check();
    await it.page.getByRole('radio', { name: 'JPEG' }).check();
    await it.page.getByText(/640\s×\s469, \d+\skB of 323\skB/).waitFor();
    await it.page.getByText('9 thumbnails in').waitFor();
    expect(it.problems).toEqual([]);
  });

  test('shows one’s own pictures, and why one cannot be shown', async () => {
    await using it = await open();
    const { page } = it;
    await page
      .getByLabel('Your own pictures')
      .setInputFiles([
        file('boats.jpg', 'image/jpeg', photoOf('nagasaki-boats')),
        file('<b>broken</b>.jpg', 'image/jpeg', photoOf('nagasaki-boats').subarray(0, 50_000)),
        file('notes.txt', 'text/plain', Buffer.from('notes')),
      ]);
    await page.getByText('3 thumbnails in').waitFor();
    const [boats, broken, notes] = await page.getByRole('figure').all();
    expect(await boats?.getByRole('img').count()).toBe(1);
    expect(await boats?.textContent()).toMatch(
      /^boats.jpgYours320\s×\s256, \d+\skB of 313\skB\nin /,
    );
    expect(await broken?.textContent()).toBe(
      'The image cannot be decoded.<b>broken</b>.jpgYours422 ERR_IMAGE_BROKEN',
    );
    expect(await notes?.textContent()).toContain('415 ERR_REQUEST_TYPE');
    expect(await page.getByRole('figure').count()).toBe(12);
    expect(it.problems).toEqual([]);
  });

  test('shows the delay of the event loop, and the pool at work meanwhile', async () => {
    await using it = await open();
    const { page } = it;
    await page.getByRole('button', { name: 'Measure' }).click();
    await page
      .getByRole('progressbar', { name: 'Threads at work' })
      .and(page.locator('[aria-valuenow="2"]'))
      .waitFor();
    await page.getByText('While 12 thumbnails were made').waitFor();
    expect(await page.locator('#with').textContent()).toMatch(/^With workers[\d.,]+ ms$/);
    expect(await page.locator('#without').textContent()).toMatch(/^Without[\d.,]+ ms$/);
    expect(it.problems).toEqual([]);
  });

  test.for([320, 375, 700, 1400])('is never wider than a window of %i pixels', async (width) => {
    await using it = await open({ viewport: { width, height: 700 } });
    await it.page
      .getByLabel('Your own pictures')
      .setInputFiles([file(`${'x'.repeat(200)}.jpg`, 'image/jpeg', photoOf('black-canyon'))]);
    await it.page.getByText('1 thumbnail in').waitFor();
    expect(await it.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      width,
    );
  });
});
