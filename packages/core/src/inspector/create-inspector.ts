import type { IncomingMessage, ServerResponse } from 'node:http';
import { channels } from '../channels.js';
import { checkOptions, inspectValue, OptionError, wholeNumber } from '../check-options.js';
import { allLivePools, type WatchedPool } from '../live-pools.js';
import { outsideRequests } from '../runtime.js';
import { History } from './history.js';
import { page } from './page.js';
import { type Update, viewOf } from './view.js';

/** What `http.createServer` takes, and `app.use` of Express. */
export type InspectorListener = (request: IncomingMessage, response: ServerResponse) => void;

/** How a page for operators is served. */
export interface InspectorOptions {
  /** How often the pools are looked at, in milliseconds. Default 1,000. */
  intervalMillis?: number | undefined;
  /** How many of those looks the charts show. Default 300: five minutes. */
  historyLength?: number | undefined;
}

/** A page for operators. */
export interface Inspector extends Disposable {
  /**
   * Serves the page, at whatever path it is mounted, and the events that keep it live. It has no login:
   * mount it where operators come only. It shows names, counters and, with `leakDetectionMillis`, stacks.
   */
  readonly listener: InspectorListener;
  /** Ends all pages' connections, and looks at the pools no more. */
  close(): void;
}

/** More browsers than that are refused. */
const MOST_VIEWERS = 32;

/**
 * Makes a page for operators: how many resources are lent and idle and how many acquires wait, over
 * time; how long they waited; why resources were destroyed; how much memory they take; and each resource.
 * While a page is open, all loans are timed.
 *
 * Throws an `OptionError`.
 *
 * @param pools default: all pools of the process, those that are made later included
 */
export function createInspector(
  pools?: readonly WatchedPool[],
  options: InspectorOptions = {},
): Inspector {
  if (pools !== undefined && !(Array.isArray(pools) && pools.every(isPool))) {
    const given = inspectValue(pools);
    throw new OptionError(`createInspector: pools is ${given}; accepted: an array of pools`);
  }
  checkOptions('createInspector', options, {
    intervalMillis: wholeNumber(10, 2 ** 31 - 1),
    historyLength: wholeNumber(2, 100_000),
  });
  const { intervalMillis = 1000, historyLength = 300 } = options;
  const history = new History(historyLength);
  const viewers = new Set<ServerResponse>();
  let closed = false;

  const watched = () => pools ?? allLivePools();
  const update = (withHistory: boolean): string => {
    const views = watched().map((pool) => viewOf(pool, history.of(pool, withHistory)));
    const message: Update = { intervalMillis, historyLength, pools: views };
    return `data: ${JSON.stringify(message)}\n\n`;
  };
  function look(): void {
    history.look(watched());
    if (viewers.size === 0) return;
    const message = update(false);
    for (const viewer of viewers) if (!viewer.writableNeedDrain) viewer.write(message);
  }
  const timer = outsideRequests(() => setInterval(look, intervalMillis));
  timer.unref?.();
  look();

  function follow(response: ServerResponse): void {
    if (closed || viewers.size >= MOST_VIEWERS) {
      response.writeHead(503, { 'retry-after': '10' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (viewers.size === 0) channels.release.subscribe(timeLoans);
    viewers.add(response);
    response.once('close', () => {
      viewers.delete(response);
      if (viewers.size === 0) channels.release.unsubscribe(timeLoans);
    });
    response.write(update(true));
  }

  function listener({ method, url = '/' }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    if (method === 'GET' && /\?events$/.test(url)) {
      follow(response);
      return;
    }
    const nonce = globalThis.crypto.randomUUID();
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    });
    response.end(method === 'HEAD' ? undefined : page(nonce));
  }

  function close(): void {
    closed = true;
    clearInterval(timer);
    for (const viewer of viewers) viewer.end();
  }
  return { listener, close, [Symbol.dispose]: close };
}

function isPool(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'stats' in given;
}

/** A channel with a subscriber has loans timed. */
function timeLoans(): void {}
