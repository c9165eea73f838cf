import type { DestroyReason } from '@wasm-pool/core';
import type { AdapterFactory } from '@wasm-pool/core/internal';
import { expect, onTestFinished, vi } from 'vitest';

/** What the pools of these tests hold. */
export interface Thing {
  readonly id: number;
}

/** The parts of a factory that a test wants to be different; `create` is given what makes a thing. */
export interface Parts extends Partial<Omit<AdapterFactory<Thing>, 'create'>> {
  create?: (make: () => Thing) => Thing | PromiseLike<Thing>;
}

/** A factory that writes down what it made, and what was destroyed why. */
export interface RecordingFactory extends AdapterFactory<Thing> {
  readonly made: Thing[];
  /** The id and reason of each destroyed thing: `1 idle`. */
  readonly destroyed: string[];
  /** How often `create` was called. */
  readonly creations: number;
  /** How many things exist. */
  readonly alive: number;
}

export function recordingFactory(parts: Parts = {}): RecordingFactory {
  const { create, destroy, ...others } = parts;
  const made: Thing[] = [];
  const destroyed: string[] = [];
  let creations = 0;
  const make = (): Thing => {
    const thing = { id: made.length + 1 };
    made.push(thing);
    return thing;
  };
  return {
    ...others,
    made,
    destroyed,
    get creations() {
      return creations;
    },
    get alive() {
      return made.length - destroyed.length;
    },
    create() {
      creations++;
      return create === undefined ? make() : create(make);
    },
    destroy(thing: Thing, reason: DestroyReason) {
      destroyed.push(`${thing.id} ${reason}`);
      return destroy?.(thing, reason);
    },
  };
}

const realImmediate = setImmediate; // before any test fakes it

/** Lets everything happen that needs no timer: what is due at the end of a turn of the event loop, too. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => realImmediate(resolve));
}

/** How a promise went so far. */
export interface Watched<T> {
  state: 'pending' | 'fulfilled' | 'rejected';
  value?: T;
  error?: unknown;
}

export function watch<T>(promise: PromiseLike<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(watched, { state: 'fulfilled', value }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  );
  return watched;
}

/** The error that a promise is rejected with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  const watched = watch(promise);
  await expect(promise).rejects.toBeDefined();
  return watched.error;
}

/** A promise that never settles: a factory call that hangs. */
export const hang = (): Promise<never> => new Promise(() => {});

/** Fakes the timers and clocks that the pool uses, for the length of the test. */
export function fakeTime(): void {
  onTestFinished(() => {
    vi.useRealTimers();
  });
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance', 'Date'],
  });
}

/** Lets faked time pass, and what is due happen. */
export async function pass(millis: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(millis);
  await settle();
}

/** What was thrown or rejected with nobody to catch it while `run` ran and one turn after. */
export async function uncaught(run: () => unknown): Promise<unknown[]> {
  const errors: unknown[] = [];
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const listeners = events.map((event) => process.listeners(event as 'uncaughtException'));
  const collect = (error: unknown) => {
    errors.push(error);
  };
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event, collect);
  }
  try {
    await run();
    await settle();
    await settle();
  } finally {
    events.forEach((event, index) => {
      process.off(event, collect);
      for (const listener of listeners[index] ?? []) process.on(event, listener);
    });
  }
  return errors;
}

/** Collects garbage until `done`, or a hundred times. */
export async function collectGarbage(done: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !done(); round++) {
    globalThis.gc?.();
    await settle();
  }
}
