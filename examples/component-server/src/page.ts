import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WatchedPool } from '@wasm-pool/core/inspector';
import { healthOf } from '@wasm-pool/core/service';

const page = readFileSync(new URL('../page/index.html', import.meta.url));

/**
 * Answers `/_pool`, a page to send requests from and to watch the pool on, `/_pool/stats`, and
 * `/_pool/health`.
 */
export function poolPage(pool: WatchedPool) {
  return ({ url }: IncomingMessage, response: ServerResponse): boolean => {
    if (url === '/_pool') {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    } else if (url === '/_pool/stats') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(pool.stats()));
    } else if (url === '/_pool/health') {
      const health = healthOf([pool]);
      response.writeHead(health.ready && health.healthy ? 200 : 503);
      response.end(JSON.stringify(health));
    } else return false;
    return true;
  };
}
