import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { instrumentPools } from '@wasm-pool/core/opentelemetry';
import { onTestFinished } from 'vitest';
import { type Family, parseScrape } from '../helpers/prometheus.js';

/** All pools of this process, as Prometheus gets them: an endpoint of OpenTelemetry's exporter. */
export interface Endpoint extends AsyncDisposable {
  readonly address: string;
  scrape(): Promise<Map<string, Family>>;
}

export async function openEndpoint(): Promise<Endpoint> {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const instrumentation = instrumentPools({ meterProvider });
  const server: Server = createServer((request, response) =>
    exporter.getMetricsRequestHandler(request, response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    scrape: async () => parseScrape(await (await fetch(`http://${address}/metrics`)).text()),
    async [Symbol.asyncDispose]() {
      instrumentation.disable();
      server.closeAllConnections();
      server.close();
      await meterProvider.shutdown();
    },
  };
}

const prometheus = ['/usr/bin/prometheus', '/usr/local/bin/prometheus'].find((it) =>
  existsSync(it),
);

/** Whether a Prometheus server is here, and what to say of a test that is skipped without one. */
export const hasPrometheus = prometheus !== undefined;
export const needsPrometheus = hasPrometheus ? '' : ' (skipped: prometheus is not installed)';

/** One series of an answer: its labels, and its last value. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/**
 * Starts a real Prometheus server that scrapes an endpoint five times a second, until the test is over.
 * Gives what asks it a query: nothing while it is starting; rejects with what is wrong with the query.
 */
export async function startPrometheus(
  address: string,
): Promise<(query: string) => Promise<Series[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs:
  - job_name: pools
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{ targets: ['${address}'] }]
`,
  );
  const port = await freePort();
  const child = spawn(
    prometheus ?? '',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    rmSync(folder, { recursive: true });
  });
  return async (query) => {
    const url = `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query })}`;
    const response = await fetch(url).catch(() => undefined);
    if (response === undefined) return []; // it is starting
    const answer = (await response.json()) as {
      status: string;
      error?: string;
      data?: { result: Series[] };
    };
    if (answer.status !== 'success' && response.status === 400) throw new Error(answer.error);
    return answer.data?.result ?? [];
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
