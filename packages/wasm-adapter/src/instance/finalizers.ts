// Loaders free what their classes stand for in finalizers: wasm-bindgen, embind, napi, web-tree-sitter.
// A finalizer that was registered in an earlier life of an instance would free what a later borrower has. So a
// loader is given a FinalizationRegistry that knows the life in which each was registered.
import { asyncContext } from '../platform/async-context.js';
import { currentLoan } from './loan.js';

/** Whose finalizers they are. */
export interface FinalizerOwner {
  /** Counts up each time the instance is restored: what was registered before is void. */
  readonly life: number;
  /** Calls a finalizer that is valid; between two loans, too. */
  finalize(finalizer: () => void): void;
  /** A finalizer was due that is void. */
  noteStray(): void;
  /** A finalizer was registered that the pool cannot void. */
  noteForeignFinalizer(): void;
}

interface Held {
  readonly value: unknown;
  readonly life: number;
}

const Original = globalThis.FinalizationRegistry;
const loading = asyncContext<FinalizerOwner>();

/** The registries that void what is of an earlier life. */
const ours = new WeakSet<object>();

/** Stands in for the constructor while loaders run. Outside of a loader it makes a plain registry. */
const StandIn: FinalizationRegistryConstructor = new Proxy(Original, {
  construct(target, args: [cleanup: (value: unknown) => void], newTarget: object): object {
    const made = newTarget === StandIn ? target : newTarget;
    const owner = loadingOwner();
    const [cleanup] = args;
    if (owner === undefined || typeof cleanup !== 'function') {
      return Reflect.construct(target, args, made as typeof target);
    }
    const finalize = ({ value, life }: Held) => {
      if (life === owner.life) owner.finalize(() => cleanup(value));
      else owner.noteStray();
    };
    const registry: object = Reflect.construct(target, [finalize], made as typeof target);
    ours.add(registry);
    const { register } = Original.prototype;
    const inLife = (object: WeakKey, held: unknown, token?: WeakKey) =>
      Reflect.apply(register, registry, [object, { value: held, life: owner.life }, token]);
    return Object.defineProperty(registry, 'register', { value: inLife });
  },
});

/** Whose loaders are running. */
const owners = new Set<FinalizerOwner>();

/**
 * Whose loader the running code is of. Modules that it imports are run outside of its context: they are
 * known to be its own where no other loader is running.
 */
function loadingOwner(): FinalizerOwner | undefined {
  const [only, ...others] = owners;
  return loading?.getStore() ?? (others.length === 0 ? only : undefined);
}

/**
 * Runs a loader, whose registries, those of modules that it imports too, void the finalizers of an
 * earlier life. On platforms without node:async_hooks it just runs it.
 */
export async function loadWithOwnFinalizers<R>(
  owner: FinalizerOwner,
  load: () => R | PromiseLike<R>,
): Promise<Awaited<R>> {
  if (loading === undefined) return await load();
  if (owners.size === 0) globalThis.FinalizationRegistry = StandIn;
  owners.add(owner);
  try {
    return await loading.run(owner, load);
  } finally {
    // Not where somebody else has put another in its place meanwhile.
    owners.delete(owner);
    if (owners.size === 0 && globalThis.FinalizationRegistry === StandIn) {
      globalThis.FinalizationRegistry = Original;
    }
  }
}

let watching = false;

/**
 * Has registrations noticed that are made in a loan, in a registry that was there before the loader
 * ran, so that its finalizers cannot be voided. Called for pools that restore what a loader made.
 */
export function watchForeignFinalizers(): void {
  if (watching) return;
  watching = true;
  const { register } = Original.prototype;
  const watched = function (this: object, ...args: readonly unknown[]) {
    const owner = currentLoan()?.instance;
    if (owner !== undefined && isFinalizerOwner(owner) && !ours.has(this)) {
      owner.noteForeignFinalizer();
    }
    return Reflect.apply(register, this, args);
  };
  Reflect.defineProperty(Original.prototype, 'register', {
    value: watched,
    writable: true,
    configurable: true,
  });
}

function isFinalizerOwner(owner: object): owner is FinalizerOwner {
  return 'noteForeignFinalizer' in owner;
}
