// Serves requests by one strategy for a while, in a process of its own, and prints what that took.
import { setTimeout as wait } from 'node:timers/promises';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { guests } from './guests.ts';

const [, , guestName = '', strategy = '', scenario = '', millis = ''] = process.argv;
const CALLERS = 64;

const guest = await (guests[guestName] as (typeof guests)[string])();
const module = new WebAssembly.Module(guest.bytes);
const instantiate = () =>
  guest.instantiate(module, (imports) => new WebAssembly.Instance(module, imports));

/** What a request does with its instance: computes, or waits for something else in between, too. */
async function handle(instance: unknown): Promise<void> {
  guest.work(instance as never);
  if (scenario === 'waits') await wait(1);
  guest.work(instance as never);
}

const strategies: Record<string, () => Promise<() => Promise<unknown>>> = {
  async 'an instance per request'() {
    return async () => handle(await instantiate());
  },
  async 'one instance, locked'() {
    const instance = await instantiate();
    let last: Promise<unknown> = Promise.resolve();
    return () => {
      last = last.then(() => handle(instance));
      return last;
    };
  },
  'a pool of 8': () => pooled(8),
  'a pool of 64': () => pooled(64),
};

async function pooled(max: number): Promise<() => Promise<unknown>> {
  const pool = await createWasmPool<unknown>(guest.bytes, {
    min: max,
    max,
    instantiate: (given, instance) =>
      guest.instantiate(given, (imports) => instance.link(imports as never)),
  });
  return () => pool.use(({ exports }) => handle(exports));
}

const serve = await (strategies[strategy] as (typeof strategies)[string])();
const latencies: number[] = [];
let served = 0;
let failed = 0;
let residentBytes = 0;
const begun = performance.now();
const until = begun + Number(millis);

async function caller(): Promise<void> {
  while (performance.now() < until) {
    const start = performance.now();
    try {
      await serve();
      served++;
    } catch {
      failed++;
    }
    const took = performance.now() - start;
    if (latencies.length < 200_000) latencies.push(took);
    else latencies[(served * 7919) % latencies.length] = took;
    if (served % 64 === 0) {
      residentBytes = Math.max(residentBytes, process.memoryUsage.rss());
      await new Promise((resolve) => setImmediate(resolve)); // as a server's sockets would have it
    }
  }
}
await Promise.all(Array.from({ length: CALLERS }, caller));

latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))];
console.log(
  JSON.stringify({
    perSecond: (served / (performance.now() - begun)) * 1e3,
    p50Millis: at(0.5),
    p99Millis: at(0.99),
    residentBytes,
    failed,
    served,
  }),
);
process.exit();
