// Pages in Chromium, served from the project's folder.
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import type { Browser } from 'playwright-core';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { type WebServer, webServer } from '../helpers/web-server.ts';
import type { Results } from './program/checks.ts';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** What makes a page cross-origin isolated, which shared memory needs. */
const isolating = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves a folder, with or without the headers that isolate its pages. */
export function serveFolder(folder: string, isolated: boolean): Promise<WebServer> {
  return webServer(async ({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    const content = await readFile(join(folder, path)).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      ...(isolated ? isolating : {}),
    });
    response.end(content);
  });
}

let browser: Promise<Browser> | undefined;

/** The one browser of a run. */
export function theBrowser(): Promise<Browser> {
  if (!hasBrowser) throw new Error('there is no Chromium on this machine');
  browser ??= launchBrowser();
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

/** Opens a page that runs the program. Gives its results; rejects with what the page complained of. */
export async function resultsOfPage(url: string, timeoutMillis: number): Promise<Results> {
  const page = await (await theBrowser()).newPage();
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error') said.push(message.text());
  });
  try {
    await page.goto(url);
    const handle = await page.waitForFunction('window.results', null, { timeout: timeoutMillis });
    return (await handle.jsonValue()) as Results;
  } catch (error) {
    throw new Error(`${url}: ${String(error).split('\n')[0]}\n${said.join('\n')}`);
  } finally {
    await page.close();
  }
}
