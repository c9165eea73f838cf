import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const page = readFileSync(new URL('../page/index.html', import.meta.url));

/** Answers `/_pool`, a page to send requests from and to watch the pool on, and `/_pool/stats`. */
export function poolPage(stats: () => object) {
  return ({ url }: IncomingMessage, response: ServerResponse): boolean => {
    if (url === '/_pool') {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    } else if (url === '/_pool/stats') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(stats()));
    } else return false;
    return true;
  };
}
