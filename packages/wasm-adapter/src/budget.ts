import type { Factory, Pool, Verdict } from '@wasm-pool/core';
import { WasmError } from './errors.js';
import type { PooledInstance } from './pooled-instance.js';
import type { SharedFactory } from './start-pool.js';

/** What a pool of the budget holds. */
export interface HoldingStats {
  readonly name: string;
  readonly instances: number;
  readonly memoryBytes: number;
  readonly borrowed: number;
  readonly pending: number;
}

/** The limits that many pools share; who needs room has idle instances of any of them destroyed. */
export class Budget {
  readonly #maxBytes: number;
  readonly #maxInstances: number;
  readonly #holdings = new Set<Holding>();
  /** Those that were refused an instance, longest ago first. */
  readonly #waiting = new Set<Holding>();
  #returns = 0;
  #admitting = false;
  #settling = false;

  /** Limits of 0: none. */
  constructor(maxTotalMemoryBytes: number, maxInstances: number) {
    this.#maxBytes = maxTotalMemoryBytes || Number.POSITIVE_INFINITY;
    this.#maxInstances = maxInstances || Number.POSITIVE_INFINITY;
  }

  /** Makes a pool's factory ask the budget, and tell it of each instance. */
  share<Exports, Context>(
    name: string,
    factory: Factory<PooledInstance<Exports, Context>>,
  ): SharedFactory<Exports, Context> {
    const holding = new Holding(name);
    this.#holdings.add(holding);
    return {
      factory: {
        canCreate: () => this.#admits(holding),
        create: async () => {
          holding.creating++;
          try {
            const instance = await factory.create();
            this.#checkSize(instance);
            instance.returnedAt = ++this.#returns;
            holding.instances.add(instance);
            holding.expectedBytes = instance.memoryBytes;
            return instance;
          } finally {
            holding.creating--;
            this.#changed();
          }
        },
        destroy: (instance, reason) => {
          holding.instances.delete(instance);
          this.#changed();
          return factory.destroy(instance, reason);
        },
        validate: (instance) => factory.validate?.(instance) ?? true,
        recycle: (instance, ...thrown): Verdict | PromiseLike<Verdict> => {
          instance.returnedAt = ++this.#returns;
          this.#changed();
          return factory.recycle?.(instance, ...thrown) ?? true;
        },
      },
      join: (pool) => {
        holding.pool = pool;
      },
      leave: () => {
        this.#holdings.delete(holding);
        this.#waiting.delete(holding);
        this.#changed();
      },
      blockedBy: () => (this.#waiting.has(holding) ? this.#describe() : undefined),
    };
  }

  #checkSize(instance: PooledInstance): void {
    const { name, memoryBytes } = instance;
    if (memoryBytes <= this.#maxBytes) return;
    instance.drop();
    const message = `${name} takes ${memoryBytes} bytes, more than maxTotalMemoryBytes ${this.#maxBytes}`;
    throw new WasmError('ERR_WASM_BUDGET', message);
  }

  /** Whether a pool may make an instance; if somebody waits for it, others' idle ones give way. */
  #admits(holding: Holding): boolean {
    if (this.#admitting) return false; // `min` of a pool whose instance has just given way
    const inNeed = holding.size === 0 || (holding.pool?.pending ?? 0) > 0;
    if (inNeed) this.#makeRoom(holding);
    const others = [...this.#waiting].some((it) => it !== holding);
    const admitted = this.#fits(holding) && (inNeed || !others);
    if (admitted) this.#waiting.delete(holding);
    else this.#waiting.add(holding);
    return admitted;
  }

  #makeRoom(holding: Holding): void {
    this.#admitting = true;
    while (!this.#fits(holding) && this.#evictOldest());
    this.#admitting = false;
  }

  #fits(holding: Holding): boolean {
    const { bytes, instances } = this.totals();
    return instances < this.#maxInstances && bytes + holding.expectedBytes <= this.#maxBytes;
  }

  /** What all pools hold, instances that are being made included. */
  totals(): { bytes: number; instances: number } {
    let bytes = 0;
    let instances = 0;
    for (const holding of this.#holdings) {
      bytes += holding.bytes;
      instances += holding.size;
    }
    return { bytes, instances };
  }

  #evictOldest(): boolean {
    let oldest: { pool: Holding['pool']; returnedAt: number } | undefined;
    for (const { pool } of this.#holdings) {
      const returnedAt = pool?.idleLongest?.returnedAt;
      if (returnedAt === undefined) continue;
      if (oldest === undefined || returnedAt < oldest.returnedAt) oldest = { pool, returnedAt };
    }
    return oldest?.pool !== undefined && oldest.pool.evict(1, 'budget') === 1;
  }

  /** Once what is happening is over: gets back within the budget, and lets those in need try again. */
  #changed(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => {
      this.#settling = false;
      while (this.totals().bytes > this.#maxBytes && this.#evictOldest());
      for (const { pool } of [...this.#waiting]) pool?.wake();
    });
  }

  #describe(): string {
    const holders = this.holdings().filter((it) => it.instances > 0);
    holders.sort((a, b) => b.memoryBytes - a.memoryBytes);
    return holders
      .map(({ name, instances, memoryBytes, borrowed }) => {
        return `${name} (${memoryBytes} bytes, ${instances} instances, ${borrowed} on loan)`;
      })
      .join(', ');
  }

  /** What each pool holds. */
  holdings(): HoldingStats[] {
    return [...this.#holdings].map(({ name, instances, bytes, pool }) => ({
      name,
      instances: instances.size,
      memoryBytes: bytes,
      borrowed: pool?.borrowed ?? 0,
      pending: pool?.pending ?? 0,
    }));
  }
}

/** One pool's part of the budget. */
class Holding {
  readonly name: string;
  readonly instances = new Set<PooledInstance>();
  pool:
    | Pick<Pool<PooledInstance>, 'pending' | 'borrowed' | 'idleLongest' | 'evict' | 'wake'>
    | undefined = undefined;
  creating = 0;
  /** What a further instance is likely to take: as much as the last one did. */
  expectedBytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.instances.size + this.creating;
  }

  get bytes(): number {
    let bytes = this.creating * this.expectedBytes;
    for (const { memoryBytes } of this.instances) bytes += memoryBytes;
    return bytes;
  }
}
