// wazero-pool's chart: the effect of latency and concurrency on throughput.
import { createWasmPool, suspending } from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';
import { heading, record } from './report.ts';
import { spread } from './rounds.ts';

const MICROS = [0, 1, 10, 100, 1_000, 10_000];
const CONCURRENCIES = [1, 2, 4, 8, 16, 32, 64];
const ROUNDS = 3;
const MILLIS = 150;

const { parseWat } = await wabt();
const text = `(module (import "host" "wait" (func $wait)) (func (export "go") (call $wait)))`;
const guest = new Uint8Array(parseWat('go.wat', text, {}).toBinary({}).buffer);

interface Waiter {
  readonly dueMillis: number;
  readonly resolve: () => void;
}

/** Waits to a microsecond, with the event loop turning: timers know milliseconds only. */
class Clock {
  readonly #waiters: Waiter[] = [];

  wait(micros: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ dueMillis: performance.now() + micros / 1e3, resolve });
      if (this.#waiters.length === 1) setImmediate(() => this.#look());
    });
  }

  #look(): void {
    const now = performance.now();
    // All wait for the same time, and so are due in the order in which they came. Each is told in a
    // callback of its own, as by timers and input: what awaited it goes on before the next is told.
    while (this.#waiters[0] !== undefined && this.#waiters[0].dueMillis <= now) {
      setImmediate((this.#waiters.shift() as Waiter).resolve);
    }
    if (this.#waiters.length > 0) setImmediate(() => this.#look());
  }
}

/** Calls a second, where each is suspended for so long. */
async function throughput(micros: number, concurrency: number): Promise<number> {
  const clock = new Clock();
  const wait = micros === 0 ? async () => {} : () => clock.wait(micros);
  await using pool = await createWasmPool<{ go(): Promise<void> }>(guest, {
    max: concurrency,
    min: concurrency,
    promising: ['go'],
    imports: { host: { wait: suspending(wait) } },
  });
  let calls = 0;
  const begun = performance.now();
  const until = begun + MILLIS;
  const borrower = async () => {
    for (; performance.now() < until; calls++) await pool.use(({ exports }) => exports.go());
  };
  await Promise.all(Array.from({ length: concurrency }, borrower));
  return (calls / (performance.now() - begun)) * 1e3;
}

const measured = new Map<string, number[]>();
for (let round = 0; round <= ROUNDS; round++) {
  for (const micros of MICROS) {
    for (const concurrency of CONCURRENCIES) {
      const name = `${micros} µs, ${concurrency} at once`;
      const perSecond = await throughput(micros, concurrency);
      if (round > 0) measured.set(name, [...(measured.get(name) ?? []), perSecond]);
    }
  }
}
heading('Calls a second, by the latency of the host call');
for (const [name, values] of measured) record({ name, unit: '/s', ...spread(values) });
