import type { Factory, Verdict } from '@wasm-pool/core';
import type { Clock } from './clock.js';
import type { Call, Mode, Setup } from './operations.js';
import {
  type Creation,
  type Destruction,
  type Place,
  type Reference,
  Resource,
} from './reference.js';

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
  readonly hanging: { [C in Call]: Hanging[] } = {
    create: [],
    validate: [],
    recycle: [],
    destroy: [],
  };
  readonly made: Resource[] = [];
  readonly creationOf = new Map<Resource, Creation>();
  /** What the borrower of the resource given back last threw, as `recycle` should hear it. */
  thrown: { error: unknown } | undefined;

  readonly #setup: Setup;
  readonly #reference: Reference;
  readonly #clock: Clock;
  readonly #guard: (check: () => void) => void;

  constructor(
    setup: Setup,
    reference: Reference,
    clock: Clock,
    guard: (check: () => void) => void,
  ) {
    this.#setup = setup;
    this.#reference = reference;
    this.#clock = clock;
    this.#guard = guard;
  }

  /** As `createPool` takes it. */
  get factory(): Factory<Resource> {
    return {
      create: () => this.#create(),
      canCreate: () => this.#reference.canCreate,
      destroy: (resource, reason) => this.#destroy(resource, reason),
      validate: (resource) => {
        this.#guard(() => this.#reference.validateCalled(resource));
        return this.#verdict(resource, 'validate', 'invalid');
      },
      ...(this.#setup.recycles && {
        recycle: (...given: [Resource, unknown?]) => {
          this.#guard(() => {
            this.#reference.recycleCalled(given[0]);
            const { thrown } = this;
            const told = given.length > 1 ? { error: given[1] } : undefined;
            if (told?.error !== thrown?.error) throw new Error('recycle was told of another error');
          });
          return this.#verdict(given[0], 'recycle', 'unfit');
        },
      }),
    };
  }

  #deadline(millis: number): number {
    return millis > 0 ? this.#clock.now + millis : Number.POSITIVE_INFINITY;
  }

  #make(creation: Creation): Resource {
    const resource = new Resource(this.made.length);
    this.made.push(resource);
    creation.given = true;
    this.creationOf.set(resource, creation);
    return resource;
  }

  #create(): Resource | Promise<Resource> {
    const creation: Creation = { deadline: this.#deadline(this.#setup.createTimeoutMillis) };
    this.#guard(() => this.#reference.createCalled(creation));
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
        const held = this.made.find(
          (it) => (this.#reference.places.get(it)?.at ?? 'gone') !== 'gone',
        );
        if (held !== undefined) this.creationOf.set(held, creation);
        creation.given = true; // it is a new one should it be destroyed in this very tick
        return held as Resource;
      }
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<Resource>();
        this.hanging.create.push({
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

  #verdict(
    resource: Resource,
    call: 'validate' | 'recycle',
    no: string,
  ): Verdict | Promise<Verdict> {
    const reference = this.#reference;
    const place = reference.places.get(resource) as Place;
    const judge = (reason: string | undefined) =>
      this.#guard(() => reference.verdict(resource, reason));
    switch (this.modes[call]) {
      case 'yes':
        judge(undefined);
        return true;
      case 'no':
        judge(no);
        return false;
      case 'reason':
        judge('worn out');
        return 'worn out';
      case 'throw':
        if (call === 'recycle') judge(no);
        else reference.doom(resource, no);
        throw new Error(call);
      case 'reject':
        reference.doom(resource, no);
        return Promise.reject(new Error(call));
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
        this.hanging[call].push({
          settle: (how) => {
            if (how === 'reject') reject(new Error(call));
            else resolve(how === 'reason' ? 'worn out' : how === 'yes');
          },
          judge: (how) => {
            if (reference.places.get(resource) !== place) return;
            if (how === 'yes') reference.verdict(resource, undefined);
            else reference.doom(resource, how === 'reason' ? 'worn out' : no);
          },
        });
        return promise;
      }
    }
  }

  #destroy(resource: Resource, reason: string): unknown {
    const reference = this.#reference;
    this.#guard(() => reference.destroyCalled(resource, reason));
    switch (this.modes.destroy) {
      case 'value':
        return undefined;
      case 'promise':
        return Promise.resolve();
      case 'throw':
        reference.destroyErrors++;
        throw new Error('destroy');
      case 'reject':
        reference.destroyErrors++;
        return Promise.reject(new Error('destroy'));
      case 'hang': {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const destruction: Destruction = {
          deadline: this.#deadline(this.#setup.destroyTimeoutMillis),
          late: reason === 'late',
          over: false,
        };
        reference.destructions.add(destruction);
        this.hanging.destroy.push({
          settle: (how) => (how === 'yes' ? resolve() : reject(new Error('destroy'))),
          judge: (how) => {
            if (!destruction.over && how !== 'yes') reference.destroyErrors++;
            destruction.over = true;
          },
        });
        return promise;
      }
    }
  }
}
