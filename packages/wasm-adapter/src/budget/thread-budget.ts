import { WasmError } from '../errors.js';
import type { ThreadMembership } from '../pool/budget-membership.js';

/** The part of a pool of threads that the budget uses. */
export interface ThreadPool {
  readonly pending: number;
  readonly borrowed: number;
  state(): { readonly creating: number };
  fill(): void;
  /** When the thread was used that could end first: 0 for one without an instance; undefined: none could. */
  readonly idleSince: number | undefined;
  /** Ends that thread. Returns false where it goes on for other instances. */
  endIdle(): boolean;
}

/** One pool's part of the threads. */
interface Member {
  readonly name: string;
  readonly pool: ThreadPool;
  threads: number;
  /** It has had no thread yet: its maker waits for the first. */
  isStarting: boolean;
}

/**
 * The threads that the pools of one factory share. Where a pool needs one and all are there, the least
 * recently used thread that is idle ends, of whichever pool; it counts until it is gone.
 */
export class ThreadBudget {
  readonly #max: number;
  readonly #members = new Set<Member>();
  /** Pools that were refused a thread, in the order of their refusals. */
  readonly #waiting = new Set<Member>();
  /** Threads that are being ended to make room. */
  #leaving = 0;
  #admitting = false;

  /** A limit of 0 is no limit. */
  constructor(max: number) {
    this.#max = max || Number.POSITIVE_INFINITY;
  }

  /** How many there are, those included that are being ended. */
  get size(): number {
    let threads = 0;
    for (const member of this.#members) threads += member.threads;
    return threads;
  }

  join(name: string, pool: ThreadPool): ThreadMembership {
    const member: Member = { name, pool, threads: 0, isStarting: true };
    let isClosed = false;
    this.#members.add(member);
    return {
      mayStart: () => this.#mayStart(member),
      started: () => {
        member.threads++;
        member.isStarting = false;
        this.#waiting.delete(member);
      },
      gone: () => {
        member.threads--;
        this.#leaving = Math.max(this.#leaving - 1, 0);
        if (isClosed && member.threads === 0) this.#members.delete(member);
        this.#admit();
      },
      rested: () => this.#admit(),
      exceeded: (what, cause) => {
        if (!this.#waiting.has(member)) return undefined;
        const holders = [...this.#members].filter((it) => it.threads > 0);
        const held = holders.map((it) => `${it.name} (${it.threads}, ${it.pool.borrowed} on loan)`);
        const message = `${what}: all ${this.#max} threads are in use, by ${held.join(', ')}`;
        return new WasmError('ERR_WASM_BUDGET', message, { cause });
      },
      detach: () => {
        isClosed = true;
        this.#waiting.delete(member);
        if (member.threads === 0) this.#members.delete(member);
      },
    };
  }

  /** Whether a pool may start a thread. If somebody waits for it, an idle thread of others gives way. */
  #mayStart(member: Member): boolean {
    const wants = wantedBy(member) > 0;
    if (this.size < this.#max && !this.#isBehind(member, wants)) return true;
    this.#waiting.add(member);
    if (wants) this.#makeRoom(member);
    return false;
  }

  /** Whether what is free is for others: they have waited for longer, or nobody waits for this one. */
  #isBehind(member: Member, wants: boolean): boolean {
    let free = this.#max - this.size;
    for (const other of this.#waiting) {
      if (other === member) {
        if (wants) return false;
        continue;
      }
      free -= wantedBy(other);
      if (free <= 0) return true;
    }
    return false;
  }

  #makeRoom(member: Member): void {
    let wanted = 0;
    for (const other of this.#waiting) wanted += wantedBy(other);
    while (this.#leaving < wanted && this.#endIdle(member));
  }

  /** Has the thread of another pool end that was used least recently; false: none is idle. */
  #endIdle(member: Member): boolean {
    let oldest: { pool: ThreadPool; since: number } | undefined;
    for (const { pool } of this.#members) {
      const since = pool.idleSince;
      if (pool === member.pool || since === undefined) continue;
      if (oldest === undefined || since < oldest.since) oldest = { pool, since };
    }
    if (oldest?.pool.endIdle()) this.#leaving++;
    return oldest !== undefined;
  }

  /** In the next microtask, when what was returned is idle: those who wait may try again. */
  #admit(): void {
    if (this.#admitting) return;
    this.#admitting = true;
    queueMicrotask(() => {
      this.#admitting = false;
      for (const member of [...this.#waiting]) {
        if (wantedBy(member) > 0) member.pool.fill();
      }
      for (const member of [...this.#waiting]) {
        if (wantedBy(member) > 0) continue;
        this.#waiting.delete(member);
        member.pool.fill(); // up to its `min`
      }
    });
  }
}

/** How many threads are waited for: by borrowers, or by its maker, who waits for the first. */
function wantedBy({ pool, isStarting }: Member): number {
  const wanted = Math.max(pool.pending - pool.state().creating, 0);
  return isStarting ? Math.max(wanted, 1) : wanted;
}
