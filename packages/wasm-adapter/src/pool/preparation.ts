// The state that all instances of a pool are copies of: made once, by `preinitialize` or from a
// snapshot, and again where that failed.
import { OptionError } from '@wasm-pool/core';
import { WasmError } from '../errors.js';
import type { Origin, PooledInstance } from '../instance/pooled-instance.js';
import { cannotCopy, nameOf, referredFunctions, type StateImage } from '../instance/state/image.js';
import { copyBlockersOf } from '../module/copy-blockers.js';
import { type ModuleBytes, moduleOfCopies, modulePreparing } from '../module/copy-module.js';
import { ModuleLimits, type WasmLimits } from '../module/limits.js';
import { moduleShape } from '../module/module-shape.js';
import type { AnyProgram } from '../program.js';
import { preparedByOne, type SharedPrepared } from '../snapshot/shared-prepared.js';
import type { SnapshotContent } from '../snapshot/snapshot-content.js';
import { readSnapshot } from '../snapshot/snapshot-file.js';
import { loadSnapshot, type SnapshotSource } from '../snapshot/snapshot-source.js';

/** What copies are made from. */
export interface Prepared {
  readonly origin: Origin & { readonly image: StateImage };
  /** What `preinitialize` returned. */
  readonly value: unknown;
}

/** What of a pool's options says how its instances are prepared. */
export interface PreparingOptions {
  readonly preinitialize?: unknown;
  readonly snapshot?: SnapshotSource | undefined;
  readonly instantiate?: unknown;
  readonly limits?: WasmLimits | undefined;
}

/** The threads with which a pool's instances are prepared, and this one's number among them. */
export interface SharingThreads {
  readonly shared: SharedPrepared;
  readonly thread: number;
}

/** An instance that `preinitialize` has prepared, and what that returned. */
export interface PreparedInstance {
  readonly instance: Pick<PooledInstance, 'stateImage' | 'drop'>;
  readonly value: unknown;
}

/** Makes an instance of such an origin, and runs `preinitialize`. */
export type PrepareInstance = (origin: Origin) => Promise<PreparedInstance>;

/** What `preinitialize` has left, and the module that it belongs to. */
export interface Snapshotted {
  readonly image: StateImage;
  readonly value: unknown;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How one pool's instances are prepared. */
export class Preparation {
  readonly #poolName: string;
  readonly #module: ModuleBytes;
  readonly #hasLoader: boolean;
  readonly #snapshot: SnapshotSource | undefined;
  readonly #threads: SharingThreads | undefined;
  #prepared: Promise<Prepared> | undefined = undefined;

  private constructor(
    poolName: string,
    module: ModuleBytes,
    hasLoader: boolean,
    snapshot: SnapshotSource | undefined,
    threads: SharingThreads | undefined,
  ) {
    this.#poolName = poolName;
    this.#module = module;
    this.#hasLoader = hasLoader;
    this.#snapshot = snapshot;
    this.#threads = threads;
  }

  /**
   * Undefined where the options name neither `preinitialize` nor `snapshot`. Throws an `OptionError`
   * where they name both, and a `WasmError` `ERR_WASM_SNAPSHOT` where no instance of the program can
   * be copied.
   */
  static of(
    program: AnyProgram,
    poolName: string,
    { preinitialize, snapshot, instantiate, limits }: PreparingOptions,
    threads?: SharingThreads,
  ): Preparation | undefined {
    const hasSnapshot = snapshot !== undefined || threads?.shared.fromSnapshot === true;
    if (preinitialize === undefined && !hasSnapshot) return undefined;
    if (preinitialize !== undefined && hasSnapshot) {
      const message = `${poolName}: preinitialize and snapshot are given; accepted: one of them, for a snapshot is what preinitialize has left`;
      throw new OptionError(message);
    }
    if (program.kind === 'component') {
      const what = 'it is a component, of which jco keeps a part in JavaScript';
      throw cannotCopy(poolName, what);
    }
    const { bytes, interruptible } = program;
    // With its code, which is not read for each pool.
    const shape = program.shape && bytes && moduleShape(bytes);
    const [blocker] = copyBlockersOf(shape, nameOf);
    if (blocker !== undefined || shape === undefined || bytes === undefined) {
      throw cannotCopy(poolName, blocker ?? 'its bytes are not known');
    }
    const changes = { ...new ModuleLimits(limits).changes(shape), interruptible };
    const module = { bytes, shape, changes };
    return new Preparation(poolName, module, instantiate !== undefined, snapshot, threads);
  }

  /** A snapshot, checked, for threads that are yet to be started. */
  async snapshotContent(source: SnapshotSource): Promise<SnapshotContent> {
    const bytes = await loadSnapshot(source, this.#poolName);
    return readSnapshot(bytes, this.#module, this.#poolName);
  }

  /** What copies are made from. Prepared on the first call, and again after a call that failed. */
  prepared(prepareInstance: PrepareInstance): Promise<Prepared> {
    if (this.#prepared === undefined) {
      const prepared = this.#prepare(prepareInstance);
      this.#prepared = prepared;
      prepared.catch(() => {
        if (this.#prepared === prepared) this.#prepared = undefined;
      });
    }
    return this.#prepared;
  }

  /** Has the instances that are made from now on be copies of one that is prepared anew. */
  renew(): void {
    this.#prepared = undefined;
  }

  async #prepare(prepareInstance: PrepareInstance): Promise<Prepared> {
    if (this.#snapshot !== undefined) {
      return this.#copiesOf(await this.snapshotContent(this.#snapshot));
    }
    const threads = this.#threads;
    const prepare = () => this.snapshot(prepareInstance);
    if (threads === undefined) return this.#copiesOf(await prepare());
    const { shared, thread } = threads;
    return this.#copiesOf(await preparedByOne(shared, thread, this.#poolName, prepare));
  }

  /** Prepares an instance, and takes the image of it. */
  async snapshot(prepareInstance: PrepareInstance): Promise<Snapshotted> {
    const module = await modulePreparing(this.#module);
    const { shape } = this.#module;
    const origin = { module, shape, image: undefined, traces: undefined };
    const { instance, value } = await prepareInstance(origin);
    try {
      return { image: instance.stateImage(), value, bytes: this.#module.bytes };
    } finally {
      instance.drop();
    }
  }

  async #copiesOf({ image, value }: SnapshotContent): Promise<Prepared> {
    const hasLoader = this.#hasLoader;
    const functions = referredFunctions(image);
    const module = await moduleOfCopies(this.#module, image, functions, hasLoader);
    const traces = hasLoader ? { memories: undefined } : undefined;
    const { shape } = this.#module;
    return { origin: { module, shape, image, traces }, value };
  }
}

/** A promise that rejects where `work` takes longer than that; 0: it may take as long as it likes. */
export async function withinMillis<R>(
  work: Promise<R>,
  millis: number,
  poolName: string,
): Promise<R> {
  if (millis === 0) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `${poolName}: preinitialize did not settle within ${millis} ms (createTimeoutMillis)`;
    reject(new WasmError('ERR_WASM_SNAPSHOT', message));
  }, millis);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
