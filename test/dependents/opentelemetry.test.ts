import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

/** The spans that OpenTelemetry's instrumentation makes of an acquire, and of one that times out. */
function spans(pool: string): string[] {
  const file = join(inject('folder'), 'traced.cjs');
  writeFileSync(
    file,
    `const { InMemorySpanExporter, SimpleSpanProcessor, BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
     const { GenericPoolInstrumentation } = require('@opentelemetry/instrumentation-generic-pool');
     const exporter = new InMemorySpanExporter();
     const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
     const instrumentation = new GenericPoolInstrumentation();
     instrumentation.setTracerProvider(provider);
     instrumentation.enable();
     const { createPool } = require('${pool}');
     const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { acquireTimeoutMillis: 5 });
     pool.acquire().then(() => pool.acquire()).catch(() => {}).then(() => {
       const told = exporter.getFinishedSpans().map(({ name, events }) => [name, ...events.map((it) => it.attributes['exception.type'])]);
       console.log(JSON.stringify(told));
     });`,
  );
  return JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' })) as string[];
}

test("OpenTelemetry's instrumentation sees acquires of the drop-in in generic-pool's place", () => {
  expect(spans('generic-pool')).toEqual([
    ['generic-pool.acquire'],
    ['generic-pool.acquire', 'ERR_POOL_ACQUIRE_TIMEOUT'],
  ]);
});

test('it does not see those of a direct import, as the docs say', () => {
  expect(spans('@wasm-pool/core/generic-pool')).toEqual([]);
});
