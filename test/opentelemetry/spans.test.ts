import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createPool } from '@wasm-pool/core';
import { createPool as createDropIn } from '@wasm-pool/core/generic-pool';
import { instrumentPools } from '@wasm-pool/core/opentelemetry';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { failure } from '../helpers/failure.js';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

const factory = { create: async () => ({}), destroy: async () => {} };

function watchSpans() {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const instrumentation = instrumentPools({ tracerProvider, meterProvider: new MeterProvider() });
  onTestFinished(() => instrumentation.disable());
  const spans = async () => {
    await tracerProvider.forceFlush();
    return exporter.getFinishedSpans();
  };
  return { spans, tracer: tracerProvider.getTracer('test'), instrumentation };
}

test.each([
  ['of core', () => createPool(factory, { name: 'traced', acquireTimeoutMillis: 20 })],
  [
    'of the drop-in door',
    () => createDropIn(factory, { name: 'traced', acquireTimeoutMillis: 20 }),
  ],
])(
  'each wait for a pool %s is a span in the trace of its acquire, not of the return',
  async (_, make) => {
    const { spans, tracer } = watchSpans();
    const pool = make() as ReturnType<typeof createDropIn>;
    const held = await pool.acquire();
    expect(await spans()).toHaveLength(1); // it waited for its creation
    const request = tracer.startSpan('request');
    const waiting = context.with(trace.setSpan(context.active(), request), () => pool.acquire());
    const returner = tracer.startSpan('returner');
    await context.with(trace.setSpan(context.active(), returner), () => pool.release(held));
    await waiting;
    await failure(pool.acquire());
    const [served, late] = (await spans()).slice(1);
    expect(served).toMatchObject({
      name: 'wasm_pool.wait',
      attributes: { 'wasm_pool.name': 'traced' },
      parentSpanContext: { spanId: request.spanContext().spanId },
      status: { code: SpanStatusCode.UNSET },
    });
    expect(late).toMatchObject({
      attributes: { 'error.type': 'timeout' },
      parentSpanContext: undefined,
      status: { code: SpanStatusCode.ERROR },
    });
    const [seconds = 0, nanos = 0] = late?.duration ?? [];
    expect(seconds * 1000 + nanos / 1e6).toBeGreaterThan(15);
  },
);

test('what was lent at once, or refused at once, is none', async () => {
  const { spans } = watchSpans();
  const pool = createPool(factory, { min: 1, maxWaitingClients: 0 });
  await pool.ready();
  await pool.acquire();
  await failure(pool.acquire());
  expect(await spans()).toEqual([]);
});

test('nothing is told once it is disabled', async () => {
  const { spans, instrumentation } = watchSpans();
  instrumentation.disable();
  const pool = createPool(factory);
  await pool.acquire();
  expect(await spans()).toEqual([]);
});
