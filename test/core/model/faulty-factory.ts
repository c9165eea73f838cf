import { unfit, type Verdict } from '@wasm-pool/core';
import type { AdapterFactory } from '@wasm-pool/core/internal';
import type { Creation } from './creations.js';
import type { Destruction } from './destructions.js';
import type { Reference } from './reference.js';
import { Resource } from './resource.js';
import type { Call, Mode } from './scenario.js';
import { type Findings, must } from './violation.js';

/** A call of the factory that hangs until it is settled. */
export interface Hanging {
  readonly settle: (how: 'yes' | 'no' | 'reason' | 'reject') => void;
  /** What the model makes of it; called after `settle`, before promises are. */
  readonly judge: (how: 'yes' | 'no' | 'reason' | 'reject') => void;
}

/** A factory that does what its modes say, and tells the model of each of its calls. */
export class FaultyFactory {
  readonly modes: { [C in Call]: Mode<C> } = {
    create: 'value',
    validate: 'yes',
    recycle: 'yes',
    destroy: 'value',
  };
  readonly hanging: Hanging[] = [];
  readonly made: Resource[] = [];
  readonly destroyed = new Set<Resource>();
  readonly creationOf = new Map<Resource, Creation>();
  /** What the borrower of the resource given back last threw, as `recycle` should hear it. */
  thrown: { error: unknown } | undefined;

  readonly #reference: Reference;
  readonly #findings: Findings;

  constructor(reference: Reference, findings: Findings) {
    this.#reference = reference;
    this.#findings = findings;
  }

  /** As `createPool` takes it. */
  get factory(): AdapterFactory<Resource> {
    return {
      create: () => this.#create(),
      canCreate: () => this.#canCreate(),
      destroy: (resource, reason) => this.#destroy(resource, reason),
      validate: (resource) => {
        this.#findings.note(() => this.#reference.validateCalled(resource));
        return this.#verdict(resource, 'validate', 'invalid');
      },
      ...(this.#reference.setup.recycles && {
        recycle: (...given: [Resource, unknown?]) => {
          this.#findings.note(() => {
            this.#reference.recycleCalled(given[0]);
            const told = given.length > 1 ? { error: given[1] } : undefined;
            must(told?.error === this.thrown?.error, 'recycle was told of another error');
          });
          return this.#verdict(given[0], 'recycle', 'unfit');
        },
      }),
    };
  }

  #deadline(millis: number): number {
    return millis > 0 ? this.#reference.now() + millis : Number.POSITIVE_INFINITY;
  }

  #begin(): Creation {
    const { createTimeoutMillis } = this.#reference.setup;
    const creation: Creation = { deadline: this.#deadline(createTimeoutMillis) };
    this.#findings.note(() => this.#reference.creations.called(creation));
    return creation;
  }

  #canCreate(): boolean {
    const { gate } = this.#reference.creations;
    if (gate !== 'throws') return gate === 'open';
    const failure = new Error('canCreate');
    this.#begin().failure = failure;
    throw failure;
  }

  #make(creation: Creation): Resource {
    const resource = new Resource(this.made.length);
    this.made.push(resource);
    creation.given = true;
    this.creationOf.set(resource, creation);
    return resource;
  }

  #create(): Resource | Promise<Resource> {
    const creation = this.#begin();
    const failure = new Error('create');
    switch (this.modes.create) {
      case 'value':
        return this.#make(creation);
      case 'promise':
        return Promise.resolve(this.#make(creation));
      case 'throw':
        creation.failure = failure;
        throw failure;
      case 'reject':
        creation.failure = failure;
        return Promise.reject(failure);
      case 'undefined':
        creation.bad = true;
        return undefined as unknown as Resource;
      case 'duplicate': {
        creation.bad = true;
        const held = this.made.find((it) => this.#reference.places.has(it));
        if (held !== undefined) this.creationOf.set(held, creation);
        creation.given = true; // it is a new one should it be destroyed in this very tick
        return held as Resource;
      }
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<Resource>();
        this.hanging.push({
          settle: (how) => {
            if (how === 'yes') {
              resolve(this.#make(creation));
              return;
            }
            creation.failure = failure;
            reject(failure);
          },
          judge: () => {}, // an event tells
        });
        return promise;
      }
    }
  }

  #verdict(resource: Resource, call: 'validate' | 'recycle', no: string): Verdict {
    const reference = this.#reference;
    const place = reference.places.get(resource);
    if (!['yes', 'no', 'reason'].includes(this.modes[call])) reference.asking = undefined;
    const judge = (reason: string | undefined) =>
      this.#findings.note(() => reference.verdict(resource, reason));
    switch (this.modes[call]) {
      case 'yes':
        judge(undefined);
        return true;
      case 'no':
        judge(no);
        return false;
      case 'reason':
        judge('worn out');
        return unfit('worn out');
      case 'throw':
        if (call === 'recycle') judge(no);
        else reference.doom(resource, no);
        throw new Error(call);
      case 'reject':
        reference.doom(resource, no);
        return Promise.reject(new Error(call));
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
        this.hanging.push({
          settle: (how) => {
            if (how === 'reject') reject(new Error(call));
            else resolve(how === 'reason' ? unfit('worn out') : how === 'yes');
          },
          judge: (how) => {
            if (reference.places.get(resource) !== place) return;
            if (how === 'yes') reference.verdict(resource, undefined, true);
            else reference.doom(resource, how === 'reason' ? 'worn out' : no);
          },
        });
        return promise;
      }
    }
  }

  #destroy(resource: Resource, reason: string): unknown {
    const { destructions, setup } = this.#reference;
    this.destroyed.add(resource);
    let unawaited = false;
    this.#findings.note(() => {
      ({ unawaited } = destructions.called(resource, reason));
    });
    switch (this.modes.destroy) {
      case 'value':
        return undefined;
      case 'promise':
        return Promise.resolve();
      case 'throw':
        destructions.errors++;
        throw new Error('destroy');
      case 'reject':
        destructions.errors++;
        return Promise.reject(new Error('destroy'));
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const destruction: Destruction = {
          deadline: this.#deadline(setup.destroyTimeoutMillis),
          awaited: !unawaited,
          over: false,
        };
        destructions.hanging.add(destruction);
        this.hanging.push({
          settle: (how) => (how === 'yes' ? resolve() : reject(new Error('destroy'))),
          judge: (how) => {
            if (!destruction.over && how !== 'yes') destructions.errors++;
            destruction.over = true;
          },
        });
        return promise;
      }
    }
  }
}
