import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { OptionError } from '@wasm-pool/core';
import { createHttpComponent } from '../http/create-http-component.js';
import type { HttpComponent } from '../http/http-component.js';
import { type HttpComponentServer, serveHttpComponent } from '../http/serve-http-component.js';
import { Log } from './log.js';
import { help, readArguments, type ServeArguments } from './serve-options.js';
import { ServedCounts } from './served-counts.js';

export { usage } from './serve-options.js';

/** How many ports are tried after one that is in use. */
const MOST_PORTS = 100;

/** nginx's status for a request whose client has left before there was an answer. */
const CLIENT_LEFT = 499;

/** Serves a component by HTTP until SIGTERM or SIGINT. */
export async function command(args: readonly string[]): Promise<number> {
  const settings = readArguments(args);
  if (settings === undefined) {
    console.log(help);
    return 0;
  }
  // Signals count from here on: one that comes while the component is transpiled ends it as well.
  const stop = stopSignal();
  const log = new Log(settings.log);
  const app = await createHttpComponent(settings.path, {
    ...settings.options,
    name: basename(settings.path).replace(/\.wasm$/, '') || 'component',
    onOutput: (output) => log.output(output),
  });
  const { server, refused } = await listen(app, settings, log);
  const about = describe(app, settings);
  log.say(`${server.address} serves ${settings.path}: ${about.text}`, {
    ...{ address: server.address, component: settings.path, preview: app.preview },
    ...about.facts,
  });
  if (refused !== undefined) log.say(`port ${refused} is in use: this is the next that is free`);
  const signal = await stop;
  log.say(`${signal}: finishing what is running`);
  await server.close();
  log.end();
  // What a component has left undone is no reason to stay.
  setTimeout(() => process.exit(0), 1000).unref();
  return 0;
}

/** Resolves with the name of the first signal. The second finds no handler, and ends the process as ever. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    const stop = (signal: string) => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve(signal);
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

/** Listens on the port that is asked for, or the next that is free. Rejects with an `OptionError`. */
async function listen(
  app: HttpComponent,
  settings: ServeArguments,
  log: Log,
): Promise<{ server: HttpComponentServer; refused: number | undefined }> {
  const { host, port, strictPort, maxConnections, timeoutMillis } = settings;
  const before = watch(app, settings, log);
  const last = strictPort || port === 0 ? port : Math.min(port + MOST_PORTS, 65_535);
  for (let tried = port; ; tried++) {
    const options = { host, port: tried, maxConnections, closeMillis: timeoutMillis, before };
    try {
      const server = await serveHttpComponent(app, options);
      return { server, refused: tried === port ? undefined : port };
    } catch (error) {
      const isInUse = Object(error).code === 'EADDRINUSE';
      if (isInUse && tried < last) continue;
      await app.close();
      const why = error instanceof Error ? error.message : String(error);
      const accepted = isInUse ? '; accepted: a port that is free' : '';
      throw new OptionError(`cannot listen on ${host}:${port}: ${why}${accepted}`);
    }
  }
}

/** Logs and counts each request, and answers those for the operator. */
function watch(app: HttpComponent, settings: ServeArguments, log: Log) {
  const counts = new ServedCounts(app);
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const begun = performance.now();
    const { method = '', url = '' } = request;
    const { bytesWritten = 0 } = request.socket;
    const own = settings.admin ? counts.answerTo(method, url) : undefined;
    response.once('close', () => {
      if (own !== undefined) return; // probes come every few seconds
      const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
      const millis = performance.now() - begun;
      const bytes = request.socket.bytesWritten - bytesWritten;
      counts.add(status, millis);
      log.access({ method, path: url, status, bytes, millis, complete: response.writableFinished });
    });
    if (own === undefined) return false;
    response.writeHead(own.status, { 'content-type': own.type, 'cache-control': 'no-store' });
    response.end(own.body);
    return true;
  };
}

/** How many instances and threads there are, and why. */
function describe({ preview }: HttpComponent, { options, given }: ServeArguments) {
  const { max, threads = max, requestsPerInstance = 1, maxUses, reset } = options;
  const asked = given.max ? '--max' : 'the default';
  if (preview === 3) {
    const each = `each serves ${requestsPerInstance} at once${maxUses === undefined ? '' : `, and ${maxUses} in all`}`;
    const text = `wasi:http 0.3, at most ${max} instances (${asked}) on 1 thread, for those of preview 3 suspend while they wait; ${each}`;
    return { text, facts: { instances: max, threads: 1, requestsPerInstance } };
  }
  const instances = Math.min(max, threads);
  const from = given.threads && threads <= max ? '--threads' : asked;
  const uses = reset === 'reuse' ? `for ${maxUses} requests` : 'for one request';
  const text = `wasi:http 0.2, at most ${instances} instances on ${instances} threads (${from}), for one of preview 2 blocks its thread while it waits; each is ${uses}`;
  return { text, facts: { instances, threads: instances, requestsPerInstance: 1 } };
}
