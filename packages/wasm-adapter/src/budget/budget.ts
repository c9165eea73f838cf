import { WasmError } from '../errors.js';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { BudgetMembership } from '../pool/budget-membership.js';

/** What a pool of the budget holds; instances that are being made count, too. */
export interface BudgetMemberStats {
  readonly name: string;
  readonly instances: number;
  readonly memoryBytes: number;
  readonly borrowed: number;
  readonly pending: number;
}

/** What the budget reads of a pool, and has it do. */
export interface MemberPool {
  readonly available: number;
  readonly borrowed: number;
  readonly pending: number;
  readonly size: number;
  readonly spareResourceCapacity: number;
  readonly oldestIdle: { readonly returnedAt: number } | undefined;
  evict(count: number, reason: string): number;
  fill(): void;
  on(event: 'create' | 'factoryCreateError', listener: () => void): unknown;
}

/** The limits that many pools share; who needs room has idle instances of any of them destroyed. */
export class Budget {
  readonly #maxBytes: number;
  readonly #maxInstances: number;
  readonly #holdings = new Set<BudgetMember>();
  /** Those that were refused an instance, longest ago first. */
  readonly #waiting = new Set<BudgetMember>();
  #returns = 0;
  #admitting = false;
  #settling = false;

  /** Limits of 0: none. */
  constructor(maxTotalMemoryBytes: number, maxInstances: number) {
    this.#maxBytes = maxTotalMemoryBytes || Number.POSITIVE_INFINITY;
    this.#maxInstances = maxInstances || Number.POSITIVE_INFINITY;
  }

  /**
   * Has a pool share the budget. Throws a `WasmError` `ERR_WASM_BUDGET` where an instance takes more
   * than there is, in `minBytes` already.
   *
   * @param onSpaceFreed called when there may be room for an instance that was refused
   */
  join(
    name: string,
    pool: MemberPool,
    minBytes: number,
    onSpaceFreed: () => void,
  ): BudgetMembership {
    this.#checkSize(`an instance of ${name}`, minBytes);
    const holding = new BudgetMember(name, pool, minBytes, onSpaceFreed);
    this.#holdings.add(holding);
    pool.on('create', () => this.#changed());
    pool.on('factoryCreateError', () => this.#changed());
    return {
      mayCreate: () => this.#mayCreate(holding),
      created: (instance) => {
        const { memoryBytes } = instance;
        if (memoryBytes > this.#maxBytes) instance.drop();
        this.#checkSize(instance.name, memoryBytes);
        instance.returnedAt = ++this.#returns;
        holding.count(instance);
        holding.expectedBytes = memoryBytes;
        holding.starting = false;
      },
      returned: (instance) => {
        instance.returnedAt = ++this.#returns;
        holding.count(instance);
        this.#changed();
      },
      destroyed: (instance) => {
        holding.forget(instance);
        this.#changed();
      },
      reclaim: () => this.#evictAll(),
      exceeded: (what, cause) => {
        const { starting, creating } = holding;
        const growable = pool.spareResourceCapacity > 0 && !(starting && creating > 0);
        if (!growable || this.#fits(holding)) return undefined;
        const message = `${what}: the budget that it shares is spent, and held by ${this.#describe()}`;
        return new WasmError('ERR_WASM_BUDGET', message, { cause });
      },
      detach: () => {
        this.#holdings.delete(holding);
        this.#waiting.delete(holding);
        this.#changed();
      },
    };
  }

  #checkSize(name: string, memoryBytes: number): void {
    if (memoryBytes <= this.#maxBytes) return;
    const message = `${name} takes ${memoryBytes} bytes, more than maxTotalMemoryBytes ${this.#maxBytes}`;
    throw new WasmError('ERR_WASM_BUDGET', message);
  }

  /** Whether a pool may make an instance; if somebody waits for it, others' idle ones give way. */
  #mayCreate(holding: BudgetMember): boolean {
    // Not during an eviction: the pool of the evicted instance would refill its `min` at once.
    const admitted = !this.#admitting && this.#hasRoomFor(holding);
    if (admitted) this.#waiting.delete(holding);
    else this.#waiting.add(holding);
    holding.refused = !admitted;
    return admitted;
  }

  #hasRoomFor(holding: BudgetMember): boolean {
    const { hasWaiters: inNeed } = holding;
    if (inNeed) this.#reclaim(holding);
    if (!this.#fits(holding)) return false;
    for (const other of this.#waiting) {
      if (inNeed && other === holding) break; // the others came later
      // A larger one that still waits for more room does not hold up a smaller one.
      if (other !== holding && other.hasWaiters && (!inNeed || this.#fits(other))) return false;
    }
    return true;
  }

  #reclaim(holding: BudgetMember): void {
    this.#admitting = true;
    while (!this.#fits(holding) && this.#evictOldest());
    this.#admitting = false;
  }

  #fits(holding: BudgetMember): boolean {
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
    let oldest: { pool: BudgetMember['pool']; returnedAt: number } | undefined;
    for (const { pool } of this.#holdings) {
      const returnedAt = pool.oldestIdle?.returnedAt;
      if (returnedAt === undefined) continue;
      if (oldest === undefined || returnedAt < oldest.returnedAt) oldest = { pool, returnedAt };
    }
    return oldest?.pool.evict(1, 'budget') === 1;
  }

  /** Whatever is idle, for V8 has no room left. */
  #evictAll(): void {
    this.#admitting = true;
    for (const { pool } of this.#holdings) pool.evict(pool.available, 'outOfMemory');
    this.#admitting = false;
  }

  /** Once what is happening is over: gets back within the budget, and lets those in need try again. */
  #changed(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => {
      this.#settling = false;
      while (this.totals().bytes > this.#maxBytes && this.#evictOldest());
      for (const holding of [...this.#waiting]) {
        holding.refused = false;
        holding.pool.fill();
        holding.onSpaceFreed();
        if (!holding.refused) this.#waiting.delete(holding); // admitted, or in want no more
      }
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
  holdings(): BudgetMemberStats[] {
    return [...this.#holdings].map(({ name, size, bytes, pool }) => ({
      name,
      instances: size,
      memoryBytes: bytes,
      borrowed: pool.borrowed,
      pending: pool.pending,
    }));
  }
}

/** One pool's part of the budget. */
class BudgetMember {
  readonly name: string;
  /** What each takes: as much as when it was made, or returned last. */
  readonly instances = new Map<PooledInstance, number>();
  readonly pool: MemberPool;
  readonly onSpaceFreed: () => void;
  /** What a further instance is likely to take: as much as the last one did. */
  expectedBytes: number;
  /** Has made no instance yet. */
  starting = true;
  /** Whether its last attempt to make an instance was refused. */
  refused = false;
  #heldBytes = 0;

  constructor(name: string, pool: MemberPool, minBytes: number, onSpaceFreed: () => void) {
    this.name = name;
    this.pool = pool;
    this.onSpaceFreed = onSpaceFreed;
    this.expectedBytes = minBytes;
  }

  /** Somebody waits for an instance, and not only `min` or `reset: 'fresh'` for a spare one. */
  get hasWaiters(): boolean {
    const { pending, spareResourceCapacity } = this.pool;
    return this.starting || (pending > this.creating && spareResourceCapacity > 0);
  }

  /** Those that are being made, and not for longer than the pool waits for them. */
  get creating(): number {
    return Math.max(this.pool.size - this.instances.size, 0);
  }

  get size(): number {
    return this.instances.size + this.creating;
  }

  get bytes(): number {
    return this.creating * this.expectedBytes + this.#heldBytes;
  }

  count(instance: PooledInstance): void {
    this.forget(instance);
    const { memoryBytes } = instance;
    this.instances.set(instance, memoryBytes);
    this.#heldBytes += memoryBytes;
  }

  forget(instance: PooledInstance): void {
    this.#heldBytes -= this.instances.get(instance) ?? 0;
    this.instances.delete(instance);
  }
}
