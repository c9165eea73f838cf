import { WasmError } from '../errors.js';
import type { Budgeted, BudgetMembership } from '../pool/budget-membership.js';

/** What one pool of the budget holds. Instances that are being made count as well. */
export interface BudgetMemberStats {
  readonly name: string;
  readonly instances: number;
  readonly memoryBytes: number;
  readonly borrowed: number;
  readonly pending: number;
}

/** The part of a pool that the budget uses. */
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

/** The limits that many pools share. When a pool needs room, idle instances of any pool are destroyed. */
export class Budget {
  readonly #maxBytes: number;
  readonly #maxInstances: number;
  readonly #members = new Set<BudgetMember>();
  /** The members that were refused an instance, in the order of their refusals. */
  readonly #waiting = new Set<BudgetMember>();
  #returns = 0;
  #admitting = false;
  #settling = false;

  /** A limit of 0 is no limit. */
  constructor(maxTotalMemoryBytes: number, maxInstances: number) {
    this.#maxBytes = maxTotalMemoryBytes || Number.POSITIVE_INFINITY;
    this.#maxInstances = maxInstances || Number.POSITIVE_INFINITY;
  }

  /**
   * Adds a pool to the budget. Throws a `WasmError` `ERR_WASM_BUDGET` if one of its instances takes
   * more than the whole budget, by `minBytes` alone or once it is made.
   *
   * @param onSpaceFreed is called when a refused instance may have room now
   */
  join(
    name: string,
    pool: MemberPool,
    minBytes: number,
    onSpaceFreed: () => void,
  ): BudgetMembership {
    this.#checkSize(`an instance of ${name}`, minBytes);
    const member = new BudgetMember(name, pool, minBytes, onSpaceFreed);
    this.#members.add(member);
    pool.on('create', () => this.#changed());
    pool.on('factoryCreateError', () => this.#changed());
    return {
      mayCreate: () => this.#mayCreate(member),
      created: (instance) => {
        const { memoryBytes } = instance;
        if (memoryBytes > this.#maxBytes) instance.drop();
        this.#checkSize(instance.name, memoryBytes);
        instance.returnedAt = ++this.#returns;
        member.count(instance);
        member.expectedBytes = memoryBytes;
        member.starting = false;
      },
      returned: (instance) => {
        instance.returnedAt = ++this.#returns;
        member.count(instance);
        this.#changed();
      },
      destroyed: (instance) => {
        member.forget(instance);
        this.#changed();
      },
      reclaim: () => this.#evictAll(),
      exceeded: (what, cause) => {
        const { starting, creating } = member;
        const growable = pool.spareResourceCapacity > 0 && !(starting && creating > 0);
        if (!growable || this.#fits(member)) return undefined;
        const message = `${what}: the budget that it shares is spent, and held by ${this.#describe()}`;
        return new WasmError('ERR_WASM_BUDGET', message, { cause });
      },
      detach: () => {
        this.#members.delete(member);
        this.#waiting.delete(member);
        this.#changed();
      },
    };
  }

  #checkSize(name: string, memoryBytes: number): void {
    if (memoryBytes <= this.#maxBytes) return;
    const message = `${name} takes ${memoryBytes} bytes, more than maxTotalMemoryBytes ${this.#maxBytes}`;
    throw new WasmError('ERR_WASM_BUDGET', message);
  }

  /** Whether a pool may make an instance. If borrowers wait for it, idle instances of others give way. */
  #mayCreate(member: BudgetMember): boolean {
    // Not during an eviction: the pool of the evicted instance would refill its `min` at once.
    const admitted = !this.#admitting && this.#hasRoomFor(member);
    if (admitted) this.#waiting.delete(member);
    else this.#waiting.add(member);
    member.refused = !admitted;
    return admitted;
  }

  #hasRoomFor(member: BudgetMember): boolean {
    const { hasWaiters: inNeed } = member;
    if (inNeed) this.#reclaim(member);
    if (!this.#fits(member)) return false;
    for (const other of this.#waiting) {
      if (inNeed && other === member) break; // the others came later
      // A pool that waits for more room than is free does not hold up one that needs less.
      if (other !== member && other.hasWaiters && (!inNeed || this.#fits(other))) return false;
    }
    return true;
  }

  #reclaim(member: BudgetMember): void {
    this.#admitting = true;
    while (!this.#fits(member) && this.#evictOldest());
    this.#admitting = false;
  }

  #fits(member: BudgetMember): boolean {
    const { bytes, instances } = this.totals();
    return instances < this.#maxInstances && bytes + member.expectedBytes <= this.#maxBytes;
  }

  /** What all pools hold together, with the instances that are being made. */
  totals(): { bytes: number; instances: number } {
    let bytes = 0;
    let instances = 0;
    for (const member of this.#members) {
      bytes += member.bytes;
      instances += member.size;
    }
    return { bytes, instances };
  }

  #evictOldest(): boolean {
    let oldest: { pool: BudgetMember['pool']; returnedAt: number } | undefined;
    for (const { pool } of this.#members) {
      const returnedAt = pool.oldestIdle?.returnedAt;
      if (returnedAt === undefined) continue;
      if (oldest === undefined || returnedAt < oldest.returnedAt) oldest = { pool, returnedAt };
    }
    return oldest?.pool.evict(1, 'budget') === 1;
  }

  /** Evicts all idle instances, because V8 has no room left. */
  #evictAll(): void {
    this.#admitting = true;
    for (const { pool } of this.#members) pool.evict(pool.available, 'outOfMemory');
    this.#admitting = false;
  }

  /** In the next microtask: evicts down to the budget, and lets the refused members try again. */
  #changed(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => {
      this.#settling = false;
      while (this.totals().bytes > this.#maxBytes && this.#evictOldest());
      for (const member of [...this.#waiting]) {
        member.refused = false;
        member.pool.fill();
        member.onSpaceFreed();
        if (!member.refused) this.#waiting.delete(member); // admitted, or no longer in need
      }
    });
  }

  #describe(): string {
    const holders = this.memberStats().filter((it) => it.instances > 0);
    holders.sort((a, b) => b.memoryBytes - a.memoryBytes);
    return holders
      .map(({ name, instances, memoryBytes, borrowed }) => {
        return `${name} (${memoryBytes} bytes, ${instances} instances, ${borrowed} on loan)`;
      })
      .join(', ');
  }

  /** What each pool holds. */
  memberStats(): BudgetMemberStats[] {
    return [...this.#members].map(({ name, size, bytes, pool }) => ({
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
  /** The size of each instance, in bytes, when it was made or last returned. */
  readonly instances = new Map<Budgeted, number>();
  readonly pool: MemberPool;
  readonly onSpaceFreed: () => void;
  /** The expected size of the next instance: that of the last one. */
  expectedBytes: number;
  /** Whether it has made no instance yet. */
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

  /** Whether a borrower needs another instance, and not only `min` or the spares of `reset: 'fresh'`. */
  get hasWaiters(): boolean {
    const { pending, spareResourceCapacity } = this.pool;
    return this.starting || (pending > this.creating && spareResourceCapacity > 0);
  }

  /** How many instances are being made. One that takes too long does not count any more. */
  get creating(): number {
    return Math.max(this.pool.size - this.instances.size, 0);
  }

  get size(): number {
    return this.instances.size + this.creating;
  }

  get bytes(): number {
    return this.creating * this.expectedBytes + this.#heldBytes;
  }

  count(instance: Budgeted): void {
    this.forget(instance);
    const { memoryBytes } = instance;
    this.instances.set(instance, memoryBytes);
    this.#heldBytes += memoryBytes;
  }

  forget(instance: Budgeted): void {
    this.#heldBytes -= this.instances.get(instance) ?? 0;
    this.instances.delete(instance);
  }
}
