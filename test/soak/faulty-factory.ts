import type { Verdict } from '@wasm-pool/core';
import type { AdapterFactory } from '@wasm-pool/core/internal';
import { chooser } from './random.ts';

/** A resource that notices when it is lent to two at once, or after its destruction. */
export class Thing {
  #holder = false;
  gone = false;

  take(): this {
    if (this.#holder) throw new Error('a resource is lent twice');
    if (this.gone) throw new Error('a resource is lent after its destruction');
    this.#holder = true;
    return this;
  }

  giveUp(): this {
    this.#holder = false;
    return this;
  }
}

/** How often each fault was injected. */
export type Faults = Record<string, number>;

const hang = () => new Promise<never>(() => {});
const later = <R>(value: R) => new Promise<R>((resolve) => setImmediate(resolve, value));

/** A factory whose every call fails now and then, in every way that it can. */
export class FaultyFactory implements AdapterFactory<Thing> {
  made = 0;
  destroyed = 0;
  readonly #faults: Faults;
  readonly #creates: () => 'well' | 'later' | 'throws' | 'rejects' | 'gives undefined' | 'hangs';
  readonly #destroys: () => 'well' | 'later' | 'throws' | 'rejects' | 'hangs';
  readonly #judges: () => 'yes' | 'later' | 'no' | 'throws' | 'rejects' | 'hangs';
  readonly #gates: () => 'open' | 'throws';

  constructor(random: () => number, faults: Faults) {
    this.#faults = faults;
    const bad = { throws: 100, rejects: 100, hangs: 10 };
    this.#creates = chooser(random, { ...bad, well: 3000, later: 3000, 'gives undefined': 20 });
    this.#destroys = chooser(random, { ...bad, well: 3000, later: 3000 });
    this.#judges = chooser(random, { yes: 200_000, later: 20_000, no: 1000, ...bad });
    this.#gates = chooser(random, { open: 100, throws: 1 });
  }

  #fault(call: string, how: string): Error {
    const fault = `${call} ${how}`;
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
    return new Error(fault);
  }

  #make(): Thing {
    this.made++;
    return new Thing();
  }

  canCreate(): boolean {
    if (this.#gates() === 'throws') throw this.#fault('canCreate', 'throws');
    return true;
  }

  create(): Thing | Promise<Thing> {
    const how = this.#creates();
    if (how === 'well') return this.#make();
    if (how === 'later') return later(this.#make());
    const fault = this.#fault('create', how);
    if (how === 'throws') throw fault;
    if (how === 'rejects') return Promise.reject(fault);
    if (how === 'hangs') return hang();
    return undefined as unknown as Thing;
  }

  destroy(thing: Thing): unknown {
    if (thing.gone) throw new Error('a resource is destroyed twice');
    thing.gone = true;
    this.destroyed++;
    const how = this.#destroys();
    if (how === 'well') return undefined;
    if (how === 'later') return later(undefined);
    const fault = this.#fault('destroy', how);
    if (how === 'throws') throw fault;
    return how === 'rejects' ? Promise.reject(fault) : hang();
  }

  validate(): Verdict {
    return this.#judge('validate');
  }

  recycle(): Verdict {
    return this.#judge('recycle');
  }

  #judge(call: string): Verdict {
    const how = this.#judges();
    if (how === 'yes') return true;
    if (how === 'later') return later(true);
    const fault = this.#fault(call, how);
    if (how === 'no') return false;
    if (how === 'throws') throw fault;
    return how === 'rejects' ? Promise.reject(fault) : hang();
  }
}
