import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { instrumentPools } from '@wasm-pool/core/opentelemetry';
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
