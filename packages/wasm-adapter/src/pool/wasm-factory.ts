import type { DestroyReason, Factory, Verdict } from '@wasm-pool/core';
import { checkOptions, isThenable } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import { loadWithOwnFinalizers, watchForeignFinalizers } from '../instance/finalizers.js';
import { type Judgement, verdictOf } from '../instance/judgement.js';
import type { WasmImports } from '../instance/link.js';
import { LoaderResults } from '../instance/loader-results.js';
import { isOutOfMemory, outOfMemoryError } from '../instance/out-of-memory.js';
import {
  type InstanceCounts,
  type InstanceSettings,
  type Origin,
  PooledInstance,
} from '../instance/pooled-instance.js';
import { apart, assertNotShared, EACH_IS_A_COPY, ImportOwners } from '../instance/shared-state.js';
import { start } from '../instance/start.js';
import type { AnyWasiOptions } from '../instance/wasi/options.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { limitError, ModuleLimits, minBytesOf } from '../module/limits.js';
import { isPrivateExport } from '../module/private-exports.js';
import { inNextTurn } from '../platform/turns.js';
import type { AnyProgram } from '../program.js';
import { importsCheck, type PerInstance, type WasmPoolOptions, wasiCheck } from './options.js';
import {
  Preparation,
  type Prepared,
  type PreparedInstance,
  type SharingThreads,
  type Snapshotted,
  withinMillis,
} from './preparation.js';

/** How long a component that has answered may take to end, before it is replaced. */
const TASKS_MILLIS = 1000;

const componentCode = once(() => import('../instance/component/instantiate-component.js'));
const wasiCode = once(() => import('../instance/wasi/wasi.js'));

/** What core needs to pool the instances of one module. */
export class WasmFactory<Exports, Context>
  implements Factory<PooledInstance<Exports, Context>, Context>
{
  /**
   * Why `reset: 'restore'` replaces every instance of this module; empty where it need not. What an
   * instance has to show for itself is among them once the first one is made.
   */
  restoreBlockers: readonly string[];

  /** What the instances have counted together. */
  readonly counts: InstanceCounts = { strayCalls: 0, restores: 0, anyContext: false };

  /** Why instances could not be restored, and how many each time. */
  readonly unrestorableBy: Record<string, number> = {};

  readonly #program: AnyProgram;
  readonly #name: string;
  readonly #options: WasmPoolOptions<Exports, Context>;
  readonly #maxMemoryBytes: number;
  readonly #promising: readonly string[] | true;
  readonly #restores: boolean;
  /** An instance that nothing is known against is lent on as it is. */
  readonly #reuses: boolean;
  readonly #instanceSettings: InstanceSettings;
  readonly #preparation: Preparation | undefined;
  #lastId = 0;

  /** @param threads the threads on which the instances are prepared, if they are on threads */
  constructor(
    program: AnyProgram,
    name: string,
    options: WasmPoolOptions<Exports, Context>,
    threads?: SharingThreads,
  ) {
    this.#program = program;
    this.#name = name;
    this.#options = options;
    this.#maxMemoryBytes = options.maxMemoryBytes || Number.POSITIVE_INFINITY;
    const { reset = 'reuse', instantiate, imports, promising = false } = options;
    const memories = program.modules.flatMap((it) => it.shape?.memories ?? []);
    this.#refuseTooLarge(name, minBytesOf(memories));
    this.#preparation = Preparation.of(program, name, options, threads);
    const copies = this.#preparation !== undefined;
    const why = copies ? EACH_IS_A_COPY : reset === 'reuse' ? undefined : apart(reset);
    if (program.kind === 'component') {
      this.#promising = []; // jco has seen to it
      if (instantiate !== undefined) {
        const message = `${name} is a component, and instantiate is for core modules`;
        throw new WasmError('ERR_WASM_COMPONENT', message);
      }
    } else {
      this.#promising = promisingOnes(program.extended, promising);
      if (why !== undefined && instantiate === undefined && typeof imports === 'object') {
        assertNotShared(program.extended, imports, why);
      }
    }
    this.restoreBlockers = reset === 'restore' ? program.restoreBlockers : [];
    this.#reuses = reset === 'reuse';
    this.#restores = reset === 'restore' && this.restoreBlockers.length === 0;
    if (this.#restores && instantiate !== undefined) watchForeignFinalizers();
    this.#instanceSettings = {
      promising: this.#promising,
      imported: why === undefined ? undefined : new ImportOwners(why),
      limits: new ModuleLimits(options.limits),
      ownImports: typeof imports === 'function' && instantiate === undefined,
      ofLoader: instantiate !== undefined,
      statelessLoader: options.statelessLoader ?? false,
      restores: reset === 'restore',
      counts: this.counts,
      loaded: new LoaderResults(),
    };
  }

  /** Each loan would cost an instance. */
  #refuseTooLarge(name: string, memoryBytes: number): void {
    if (memoryBytes > this.#maxMemoryBytes)
      throw this.#tooLarge(`${name} starts with`, memoryBytes);
  }

  #tooLarge(what: string, memoryBytes: number): WasmError {
    const most = this.#maxMemoryBytes;
    return limitError(
      `${what} ${memoryBytes} bytes of memory; accepted: maxMemoryBytes of ${most}`,
    );
  }

  create(): Promise<PooledInstance<Exports, Context>> {
    return this.createAs(++this.#lastId);
  }

  /** The same, where ids are counted elsewhere. */
  async createAs(id: number): Promise<PooledInstance<Exports, Context>> {
    try {
      return await this.#make(id);
    } catch (error) {
      if (!(error instanceof WasmError) || error.code !== 'ERR_WASM_MEMORY') throw error;
      this.reclaim();
      await new Promise<void>(inNextTurn); // what was dropped can be collected
      return this.#make(id);
    }
  }

  /** Destroys idle instances, when V8 has no room left for a further one. */
  protected reclaim(): void {}

  /**
   * Makes what instances are to be copies of, where they are, and it is not there yet. Rejects as
   * pool creation does, and where `preinitialize` takes longer than `createTimeoutMillis`.
   */
  async prepare(): Promise<void> {
    const { createTimeoutMillis = 0 } = this.#options;
    await withinMillis(Promise.resolve(this.#prepared()), createTimeoutMillis, this.#name);
  }

  /**
   * Runs the loader once more, and drops what it gives: one that keeps a single instance is to be
   * refused when its pool is created. Rejects as pool creation does.
   */
  async checkLoader(): Promise<void> {
    const { instantiate, max, reset = 'reuse' } = this.#options;
    if (instantiate === undefined || (max === 1 && reset === 'reuse')) return;
    const instance = await this.#begin(0, (await this.#prepared())?.origin);
    instance.drop();
  }

  /** Has the instances that are made from now on be copies of one that is prepared anew. */
  renew(): void {
    this.#preparation?.renew();
  }

  /** The state of an instance that is prepared for this, and the bytes of its module. */
  async snapshot(): Promise<Snapshotted> {
    const { createTimeoutMillis = 0 } = this.#options;
    const snapshotted = this.#preparation?.snapshot((origin) => this.#prepareInstance(origin));
    if (snapshotted === undefined) throw new TypeError('a snapshot needs preinitialize');
    return withinMillis(snapshotted, createTimeoutMillis, this.#name);
  }

  #prepared(): Promise<Prepared> | undefined {
    return this.#preparation?.prepared((origin) => this.#prepareInstance(origin));
  }

  async #prepareInstance(origin: Origin): Promise<PreparedInstance> {
    const instance = await this.#begin(0, origin);
    try {
      instance.noteMade();
      const value = await this.#options.preinitialize?.(instance);
      instance.calls.held.clear();
      refuseUnfit(instance, 'preinitialize');
      return { instance, value };
    } catch (error) {
      instance.drop();
      throw explained(error, instance.name);
    }
  }

  async #make(id: number): Promise<PooledInstance<Exports, Context>> {
    const { onCreate } = this.#options;
    const prepared = await this.#prepared();
    const instance = await this.#begin(id, prepared?.origin);
    try {
      instance.becomeCopy();
      await onCreate?.(instance, prepared?.value);
      instance.calls.held.clear(); // what onCreate keeps is the instance's own
      refuseUnfit(instance, 'onCreate');
      if (this.#restores) {
        this.restoreBlockers = instance.takeSnapshot(prepared !== undefined && !onCreate);
      } else if (this.restoreBlockers[0] !== undefined) {
        instance.noteOutside(this.restoreBlockers[0]);
      }
      this.#refuseTooLarge(instance.name, instance.reportMemory());
    } catch (error) {
      instance.drop();
      throw explained(error, instance.name);
    }
    instance.calls.callable = false;
    return instance;
  }

  /** Makes an instance as far as its loader, or its start, brings it. */
  async #begin(id: number, origin?: Origin): Promise<PooledInstance<Exports, Context>> {
    const program = this.#program;
    const { instantiate } = this.#options;
    const instance = new PooledInstance<Exports, Context>(
      program,
      id,
      this.#name,
      this.#instanceSettings,
      origin,
    );
    try {
      if (program.kind === 'component' || instantiate === undefined) {
        await this.#instantiate(program, instance, origin?.image === undefined);
      } else {
        const load = () => instantiate(program.module, instance);
        instance.useLoaderResult(await loadWithOwnFinalizers(instance, load));
      }
      // By proc_exit(0), or what emscripten throws to end `main`: the guest was through with its start.
      instance.calls.poisoned = false;
      return instance;
    } catch (error) {
      instance.drop();
      throw explained(error, instance.name);
    }
  }

  async #instantiate(
    program: AnyProgram,
    instance: PooledInstance<Exports, Context>,
    starts: boolean,
  ): Promise<void> {
    const { wasi = program.kind === 'component', imports = {} } = this.#options;
    const given = await forInstance(wasi, instance);
    checkOptions(instance.name, { wasi: given ?? null }, { wasi: wasiCheck });
    const own = await forInstance<WasmImports, Exports, Context>(imports, instance);
    checkOptions(instance.name, { imports: own ?? null }, { imports: importsCheck });
    const wasiOptions = given === true ? {} : given || undefined;
    if (program.kind === 'component') {
      const { instantiateComponent } = await componentCode();
      return instantiateComponent(program, instance, own, wasiOptions as ComponentWasiOptions);
    }
    const suspends = this.#promising === true || this.#promising.length > 0;
    const context =
      wasiOptions &&
      (await (
        await wasiCode()
      ).wasiContext(program.extended, wasiOptions as AnyWasiOptions, instance, suspends, own));
    if (context !== undefined) instance.addOutside(context);
    const all = context === undefined ? own : merge(context.imports, own);
    const exports = instance.linkForBorrowers(all);
    instance.exports = exports as Exports;
    // WASI's is the one of this name: WASI application ABI, "Current Unstable ABI".
    const memory = exports.memory instanceof WebAssembly.Memory ? exports.memory : instance.memory;
    context?.bind(memory);
    if (starts && !context?.startsLater) await start(exports, instance.name);
  }

  destroy(instance: PooledInstance<Exports, Context>, _?: DestroyReason): void | Promise<void> {
    const { onDestroy } = this.#options;
    if (onDestroy === undefined) {
      instance.drop();
      return undefined;
    }
    instance.endLoan();
    instance.calls.callable = true;
    return dropAfter(instance, () => onDestroy(instance));
  }

  /** A loan begins: the instance can be called, and knows what for. It ends with `recycle`, or `drop`. */
  lend(instance: PooledInstance<Exports, Context>, context: Context | undefined): void {
    instance.lend(context);
  }

  validate(instance: PooledInstance<Exports, Context>): Verdict {
    const judgement = this.#health(instance);
    return verdictOf(judgement, judgement !== true && this.causeOf(instance, judgement));
  }

  /** Whether an instance may be lent, when its return was not judged. */
  isFit(instance: PooledInstance<Exports, Context>): boolean {
    const { callable, held, tasks } = instance.calls;
    return callable && this.#health(instance) === true && held.size === 0 && tasks.running === 0;
  }

  #health(instance: PooledInstance<Exports, Context>): Judgement {
    if (instance.calls.poisoned) return 'trap';
    if (instance.calls.busy) return 'busy';
    if (instance.reportMemory() > this.#maxMemoryBytes) return 'memory';
    return true;
  }

  recycle(instance: PooledInstance<Exports, Context>, ...thrown: unknown[]): Verdict {
    // What nearly every return comes to, without the closures and the questions of the others.
    if (this.#reuses && thrown.length === 0 && instance.calls.settled) {
      instance.endLoan();
      if (instance.reportMemory() <= this.#maxMemoryBytes) return true;
    }
    return this.#recycle(instance, thrown);
  }

  #recycle(instance: PooledInstance<Exports, Context>, thrown: readonly unknown[]): Verdict {
    const { calls } = instance;
    const unfit = calls.poisoned || calls.busy || calls.held.size > 0;
    const verdict = () => {
      const judgement = this.judge(instance, ...thrown);
      return verdictOf(
        judgement,
        judgement !== true && this.causeOf(instance, judgement, ...thrown),
      );
    };
    if (calls.tasks.running === 0 || unfit) return verdict();
    instance.endLoan();
    return calls.tasks.allEnded(TASKS_MILLIS).then(verdict);
  }

  /** What made an instance unfit, for the `destroy` event: an exception, or an error that says what changed. */
  causeOf(
    instance: PooledInstance<Exports, Context>,
    reason: string,
    ...thrown: unknown[]
  ): unknown {
    const { name, calls, unfitReason } = instance;
    switch (reason) {
      case 'trap':
        return calls.exception ?? thrown[0];
      case 'threw':
        return thrown[0];
      case 'unrestorable':
        return new WasmError('ERR_WASM_SNAPSHOT', `${name} cannot be restored: ${unfitReason}`);
      case 'memory':
        return this.#tooLarge(`${name} has`, instance.memoryBytes);
      default:
        return undefined;
    }
  }

  /** What becomes of an instance that was returned, where no time is given to what goes on in it. */
  judge(instance: PooledInstance<Exports, Context>, ...thrown: unknown[]): Judgement {
    const { calls } = instance;
    instance.endLoan();
    const trapped = calls.poisoned || thrown.some(cameThroughWasm);
    if (trapped && this.#canUndo(instance)) return this.#restore(instance, 'trap');
    const health = this.#health(instance);
    if (health !== true) return health;
    // It came through wasm, though no guard saw it: a function of a table is called as it is.
    if (trapped) return 'trap';
    // Not disposed: destructors are the component's own code, and not all resources can be.
    if (calls.held.size > 0) return 'resources';
    if (calls.tasks.running > 0) return 'busy';
    // Of an instance that its loader made by itself we do not know what the error went through.
    if (thrown.length > 0 && !instance.guarded) return 'threw';
    if (this.#options.reset === 'fresh') return 'used';
    return this.#options.reset === 'restore' ? this.#restore(instance, 'unrestorable') : true;
  }

  /**
   * Whether what an exception left behind is no more than the state that is put back: no call goes on,
   * and no code of a loader or of jco has state of its own.
   */
  #canUndo(instance: PooledInstance<Exports, Context>): boolean {
    if (!this.#restores || this.#program.kind === 'component') return false;
    if (this.#options.instantiate !== undefined || !instance.calls.endedAllCalls) return false;
    return instance.reportMemory() <= this.#maxMemoryBytes;
  }

  #restore(instance: PooledInstance<Exports, Context>, otherwise: string): Judgement {
    if (instance.restore()) {
      this.counts.restores++;
      return true;
    }
    const [why = ''] = (instance.unfitReason ?? '').split(' from ');
    this.unrestorableBy[why] = (this.unrestorableBy[why] ?? 0) + 1;
    return otherwise;
  }
}

/** Drops an instance once its hook is through, whatever comes of that. */
function dropAfter(instance: PooledInstance, hook: () => unknown): void | Promise<void> {
  let result: unknown;
  try {
    result = hook();
  } finally {
    if (!isThenable(result)) instance.drop();
  }
  if (!isThenable(result)) return undefined;
  return Promise.resolve(result)
    .then(() => {})
    .finally(() => instance.drop());
}

/** A trap, what a guest threw, or a stack overflow, which may have been the guest's. */
function cameThroughWasm(error: unknown): boolean {
  if (error instanceof RangeError) return error.message === 'Maximum call stack size exceeded'; // V8's words
  return error instanceof WebAssembly.RuntimeError || error instanceof WebAssembly.Exception;
}

/** Where V8 had no room, also for what `imports` or a loader asked for itself: what can be done. */
function explained(error: unknown, name: string): unknown {
  return isOutOfMemory(error) ? outOfMemoryError(error, name) : error;
}

/** Throws a `WasmError` `ERR_WASM_START` where a hook left an instance that is not fit to be lent. */
function refuseUnfit({ name, calls }: PooledInstance, hook: string): void {
  if (calls.poisoned) {
    const message = `${name}: ${hook} caught an exception that had gone through the instance, and left it mid-call`;
    throw new WasmError('ERR_WASM_START', message);
  }
  if (calls.busy) {
    const message = `${name}: a call that ${hook} or instantiate began is suspended still: await it there`;
    throw new WasmError('ERR_WASM_START', message);
  }
}

/** The exports that return promises. Where there are any, what runs at the start may suspend too. */
function promisingOnes(
  module: WebAssembly.Module,
  option: readonly string[] | boolean,
): readonly string[] | true {
  if (option === true) return true;
  if (option === false || option.length === 0) return [];
  const names = WebAssembly.Module.exports(module)
    .map((it) => it.name)
    .filter((name) => !isPrivateExport(name));
  const unknown = option.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `promising names ${unknown}, which the module does not export; accepted: ${names.join(', ')}`;
    throw new WasmError('ERR_WASM_LINK', message);
  }
  return [...option, '_start', '_initialize'];
}

function forInstance<V, Exports, Context>(
  option: PerInstance<V, Exports, Context>,
  instance: PooledInstance<Exports, Context>,
): V | PromiseLike<V> {
  return isPerInstance(option) ? option(instance) : option;
}

function isPerInstance<V, Exports, Context>(
  option: PerInstance<V, Exports, Context>,
): option is (instance: WasmInstance<Exports, Context>) => V | PromiseLike<V> {
  return typeof option === 'function';
}

/** Both import objects; a function of `own` stands before one of the same module and name. */
function merge(wasi: WasmImports, own: WasmImports): WasmImports {
  const merged = { ...wasi, ...own };
  for (const [name, functions] of Object.entries(wasi)) {
    if (own[name] !== undefined) merged[name] = { ...functions, ...own[name] };
  }
  return merged;
}

/** Code that is loaded with the first instance that needs it: to import it anew takes time for each. */
function once<Code>(load: () => Promise<Code>): () => Promise<Code> {
  let loading: Promise<Code> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
