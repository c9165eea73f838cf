import { setImmediate as turn } from 'node:timers/promises';
import {
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  workerData,
} from 'node:worker_threads';
import { receiveComponent } from '../../component/posted-component.js';
import { WasmError } from '../../errors.js';
import type { Judgement } from '../../instance/judgement.js';
import type { PooledInstance } from '../../instance/pooled-instance.js';
import { CompiledModule } from '../../module/compiled-module.js';
import { checkWasmOptions, type WasmPoolOptions } from '../../pool/options.js';
import { WasmFactory } from '../../pool/wasm-factory.js';
import { CallLedger } from '../wire/call-ledger.js';
import { Doorbell } from '../wire/doorbell.js';
import type { CallRequest, Reply, Request, ThreadData } from '../wire/messages.js';
import { cloneError, movedOf } from '../wire/move.js';
import { type SerializedThrow, serializeError } from '../wire/serialized-error.js';

/** The type of a module of tasks, or of a function that imports it. */
export type TasksSource = object | (() => Promise<object>);

const options = ['imports', 'wasi', 'onCreate', 'instantiate'] as const;

/**
 * Makes the thread that calls it a worker of a `createWasmWorkerPool`, with these tasks: for a worker
 * file of your own, where a bundler has to see it. Throws where it is no thread of such a pool.
 */
export function serveTasks(tasks: TasksSource): void {
  const data: ThreadData | undefined = workerData?.wasmPool;
  if (isMainThread || data === undefined) {
    throw new WasmError(
      'ERR_WASM_WORKER',
      'serveTasks: this is no thread of a pool; accepted: a file that the `worker` option of createWasmWorkerPool starts',
    );
  }
  new Server(data, tasks).listen();
}

type Export = (...args: unknown[]) => unknown;
type CallRest = [memoryBytes: number, verdict: Judgement | undefined];

/**
 * How long a thread with nothing to do blocks its event loop to wait for a further call. Not much
 * less: a wait that ends before the system's next timer tick costs as much as a call does.
 */
const LINGER_MILLIS = 10;

/** How long calls may keep coming before the event loop turns. */
const TURN_MILLIS = 5;

/** Runs the calls that arrive at a thread, one at a time, on its one instance. */
class Server {
  readonly #data: ThreadData;
  readonly #port: MessagePort;
  readonly #claims: CallLedger;
  readonly #bell: Doorbell;
  readonly #source: TasksSource;
  readonly #requests: (Exclude<Request, readonly CallRequest[]> | CallRequest)[] = [];
  #working = false;
  readonly #tasks: Record<string, unknown> = Object.create(null);
  #factory: WasmFactory<unknown, unknown> | undefined = undefined;
  #instance: PooledInstance | undefined = undefined;

  /** What tasks and exports threw in a loan of several calls. */
  #thrown: unknown[] = [];

  constructor(data: ThreadData, source: TasksSource) {
    this.#data = data;
    this.#port = data.port;
    this.#claims = new CallLedger(data.ledger);
    this.#bell = new Doorbell(data.doorbell);
    this.#source = source;
  }

  listen(): void {
    this.#port.on('message', (request: Request) => {
      this.#take(request);
      if (!this.#working) void this.#work();
    });
    // What was asked for is lost: the thread ends, and says why.
    this.#port.on('messageerror', (cause) => {
      throw cause;
    });
  }

  #take(request: Request): void {
    if (isCalls(request)) this.#requests.push(...request);
    else this.#requests.push(request);
  }

  async #work(): Promise<void> {
    this.#working = true;
    let turned = performance.now();
    do {
      for (let next = this.#requests.shift(); next !== undefined; next = this.#requests.shift()) {
        const work = this.#handle(next);
        if (work !== undefined) await work;
      }
      if (performance.now() - turned < TURN_MILLIS) continue;
      await turn(); // timers and I/O of the tasks have theirs
      turned = performance.now();
    } while (this.#requests.length > 0 || this.#lingers());
    this.#working = false;
  }

  /** Who has had an answer often has a further call at once. Not where a task waits for something. */
  #lingers(): boolean {
    const { count: rung } = this.#bell;
    if (this.#receive()) return true;
    if (process.getActiveResourcesInfo().some((it) => it !== 'MessagePort')) return false;
    return this.#bell.wait(rung, LINGER_MILLIS) && this.#receive();
  }

  #receive(): boolean {
    const received = receiveMessageOnPort(this.#port);
    if (received !== undefined) this.#take(received.message);
    return received !== undefined;
  }

  #handle(
    request: Exclude<Request, readonly CallRequest[]> | CallRequest,
  ): undefined | Promise<void> {
    if (request === 'judge') this.#send({ verdict: this.#judge() });
    else if (request === 'drop') this.#drop();
    else if ('make' in request) return this.#make(request.make);
    else return this.#call(request);
    return undefined;
  }

  async #make(id: number): Promise<void> {
    try {
      this.#factory ??= await this.#load();
      const instance = await this.#factory.createAs(id);
      this.#instance = instance;
      const { memoryBytes } = instance;
      const names = [...functionsOf(this.#tasks), ...functionsOf(instance.exports)];
      this.#send({ made: { memoryBytes, restoreBlockers: this.#factory.restoreBlockers, names } });
    } catch (error) {
      this.#send({ failed: serializeError(error) });
    }
  }

  async #load(): Promise<WasmFactory<unknown, unknown>> {
    const source = this.#source;
    Object.assign(this.#tasks, typeof source === 'function' ? await source() : source);
    const given: WasmPoolOptions<unknown, unknown> = { ...this.#data.options };
    for (const name of options) {
      if (name in this.#tasks) Object.assign(given, { [name]: this.#tasks[name] });
      delete this.#tasks[name];
    }
    delete this.#tasks.default;
    checkWasmOptions('module', given);
    const { program, poolName } = this.#data;
    const own = 'code' in program ? await receiveComponent(program) : new CompiledModule(program);
    return new WasmFactory(own, poolName, given);
  }

  #call(request: CallRequest): undefined | Promise<void> {
    const [number, name, args, , context] = request;
    const instance = this.#instance;
    if (instance === undefined || !this.#claims.claim(number)) return undefined;
    instance.calls.callable = true;
    instance.context = context;
    let result: unknown;
    try {
      const task = this.#tasks[name];
      if (typeof task === 'function') result = task(instance, ...args);
      else result = (instance.exports as Record<string, Export>)[name]?.(...args);
    } catch (error) {
      this.#answer(request, false, error);
      return undefined;
    }
    if (!isThenable(result)) {
      this.#answer(request, true, result);
      return undefined;
    }
    return Promise.resolve(result).then(
      (value) => this.#answer(request, true, value),
      (error: unknown) => this.#answer(request, false, error),
    );
  }

  #answer([, name, , whole]: CallRequest, succeeded: boolean, value: unknown): void {
    if (!succeeded) this.#thrown = [value];
    const memoryBytes = this.#instance?.memoryBytes ?? 0;
    const later = whole && this.#data.options.reset === 'restore';
    const verdict = later ? undefined : whole ? this.#judge() : true;
    this.#sendResult(name, succeeded, value, memoryBytes, verdict);
    if (later) this.#send({ verdict: this.#judge() });
  }

  #sendResult(name: string, succeeded: boolean, value: unknown, ...rest: CallRest): void {
    let error = value;
    if (succeeded) {
      try {
        this.#send([true, value, ...rest], movedOf([value]));
        return;
      } catch (cause) {
        error = cloneError(`the result of ${name}`, cause);
      }
    }
    let posted: SerializedThrow;
    try {
      posted = serializeError(error);
    } catch (cause) {
      posted = serializeError(cloneError(`what ${name} threw`, cause));
    }
    this.#send([false, posted, ...rest]);
  }

  /** At the end of a loan: one that is not fit is called no more. */
  #judge(): Judgement {
    const instance = this.#instance;
    if (instance === undefined) return 'gone';
    const verdict = this.#factory?.judge(instance, ...this.#thrown.splice(0)) as Judgement;
    if (verdict !== true) this.#drop();
    return verdict;
  }

  #drop(): void {
    if (this.#instance !== undefined) this.#factory?.destroy(this.#instance);
    this.#instance = undefined;
  }

  #send(reply: Reply, transfer: Transferable[] = []): void {
    this.#port.postMessage(reply, transfer);
  }
}

function isCalls(request: Request): request is readonly CallRequest[] {
  return Array.isArray(request);
}

/** One that throws when it is looked at is none: it cannot be posted either. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return typeof value === 'object' && value !== null && 'then' in value;
  } catch {
    return false;
  }
}

function functionsOf(exports: unknown): string[] {
  if (typeof exports !== 'object' || exports === null) return [];
  return Object.entries(exports).flatMap(([name, value]) =>
    typeof value === 'function' ? name : [],
  );
}
