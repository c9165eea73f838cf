import { NotBorrowedError, type Pool, PoolError } from '@wasm-pool/core';
import type { Faults, Thing } from './faulty-factory.ts';
import { chooser } from './random.ts';

class BorrowerError extends Error {}

/** Borrowers that do everything that a borrower can do, right and wrong. */
export class Borrowers {
  asked = 0;
  /** Of those asked for, how many came to an end. */
  ended = 0;
  lost = 0;
  /** All wait for it now and then: timers are to fire, too. */
  #turn: Promise<void> | undefined;

  readonly #pool: Pool<Thing>;
  readonly #random: () => number;
  readonly #faults: Faults;
  readonly #choose: () => keyof Borrowers & `by${string}`;

  constructor(pool: Pool<Thing>, random: () => number, faults: Faults) {
    this.#pool = pool;
    this.#random = random;
    this.#faults = faults;
    this.#choose = chooser(random, {
      byUseSync: 400,
      byUse: 300,
      byAcquire: 200,
      byLease: 50,
      byTryAcquire: 50,
      byAbort: 20,
      byTimeout: 2,
      byDroppedLease: 0.02,
    });
  }

  /** `count` of them borrow, one after the other's end, until `until` loans were made. */
  async work(count: number, until: number): Promise<void> {
    const one = async () => {
      while (this.#pool.stats().acquired < until) {
        if (++this.asked % 1000 === 0) this.#turn = new Promise((resolve) => setImmediate(resolve));
        await this.#turn;
        try {
          await this[this.#choose()]();
        } catch (error) {
          if (!(error instanceof BorrowerError || error instanceof PoolError)) throw error;
        }
        this.ended++;
      }
    };
    await Promise.all(Array.from({ length: count }, one));
  }

  #fault(fault: string): BorrowerError {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
    return new BorrowerError(fault);
  }

  #mayThrow(): void {
    if (this.#random() < 0.01) throw this.#fault('a borrower throws');
  }

  byUseSync(): void {
    if (this.#pool.available === 0 && this.#random() < 0.99) return;
    this.#pool.useSync((thing) => {
      thing.take().giveUp();
      this.#mayThrow();
    });
  }

  async byUse(): Promise<void> {
    const asynchronous = this.#random() < 0.5;
    await this.#pool.use(
      (thing) => {
        thing.take();
        const end = () => {
          thing.giveUp();
          this.#mayThrow();
        };
        return asynchronous ? Promise.resolve().then(end) : end();
      },
      this.#random() < 0.1 ? { priority: 0 } : undefined,
    );
  }

  async byAcquire(): Promise<void> {
    await this.#hold(await this.#pool.acquire());
  }

  async byTryAcquire(): Promise<void> {
    const thing = this.#pool.tryAcquire();
    if (thing !== undefined) await this.#hold(thing);
  }

  async #hold(thing: Thing): Promise<void> {
    thing.take();
    if (this.#random() < 0.5) await undefined;
    thing.giveUp();
    await (this.#random() < 0.01 ? this.#pool.destroy(thing) : this.#pool.release(thing));
    // Who got it by now has a loan that a second release would end: it is told from the first no more.
    if (this.#random() < 0.01 && !this.#pool.isBorrowedResource(thing)) {
      await this.#refused('a resource is released twice', this.#pool.release(thing));
    }
  }

  async #refused(fault: string, release: Promise<void>): Promise<void> {
    this.#fault(fault);
    const error = await release.catch((thrown) => thrown);
    if (!(error instanceof NotBorrowedError)) throw new Error(`${fault}, and is taken back`);
  }

  async byLease(): Promise<void> {
    await using lease = await this.#pool.lease();
    lease.value.take().giveUp();
    this.#mayThrow();
    if (this.#random() < 0.5) return;
    await lease.release();
    await this.#refused('a lease is released twice', lease.release());
  }

  async byDroppedLease(): Promise<void> {
    await this.#pool.lease();
    this.lost++;
    this.#fault('a lease is lost');
  }

  async byAbort(): Promise<void> {
    this.#fault('an acquire is aborted');
    const abort = new AbortController();
    const acquired = this.#pool.acquire({ signal: abort.signal });
    if (this.#random() < 0.5) await undefined;
    abort.abort(new BorrowerError());
    await this.#hold(await acquired);
  }

  async byTimeout(): Promise<void> {
    const thing = await this.#pool.acquire({ timeoutMillis: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2)); // so that others time out, too
    await this.#hold(thing);
  }
}
