import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';

/** What a test looks at in a pool of the drop-in. */
interface ADropInPool {
  readonly max: number;
  readonly borrowed: number;
}

/** Loads an installed package as a CommonJS program does. */
export function load<Exports>(name: string): Exports {
  return createRequire(join(inject('folder'), 'program.cjs'))(name) as Exports;
}

/** The pools that the drop-in made for `dependent` from now to the end of the test. */
export function poolsOf(dependent: string): { readonly made: ADropInPool[] } {
  const require = createRequire(join(inject('folder'), 'program.cjs'));
  const fromDependent = createRequire(require.resolve(dependent));
  const dropIn = require('@wasm-pool/core/generic-pool') as { Pool: { prototype: object } };
  if (fromDependent('generic-pool') !== dropIn) throw new Error(`${dependent} has another pool`);
  const made: ADropInPool[] = [];
  const { prototype } = dropIn.Pool;
  const start = Object.getOwnPropertyDescriptor(prototype, 'start');
  const startOf = start?.value as (this: ADropInPool) => void;
  Object.defineProperty(prototype, 'start', {
    configurable: true,
    writable: true,
    value(this: ADropInPool) {
      if (!made.includes(this)) made.push(this);
      startOf.call(this);
    },
  });
  onTestFinished(() => {
    if (start !== undefined) Object.defineProperty(prototype, 'start', start);
  });
  return { made };
}
