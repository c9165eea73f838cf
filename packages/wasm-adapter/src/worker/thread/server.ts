import { isThenable } from '@wasm-pool/core/internal';
import type { Component, PostedComponent } from '../../component/component.js';
import type { Judgement } from '../../instance/judgement.js';
import type { WasmImports } from '../../instance/link.js';
import { CompiledModule } from '../../module/compiled-module.js';
import {
  interceptOutput,
  listenTo,
  OpenResources,
  onThreadEnd,
  receivesAtOnce,
  type Transferable,
  threadNumber,
} from '../../platform/threads.js';
import { inNextTurn } from '../../platform/turns.js';
import { checkWasmOptions, type WasmPoolOptions } from '../../pool/options.js';
import { WasmFactory } from '../../pool/wasm-factory.js';
import { type Letter, Mailbox } from '../wire/mailbox.js';
import { END, type Loaded, type Made, type ThreadData } from '../wire/messages.js';
import { cloneError, movedOf } from '../wire/move.js';
import { ownBytes } from '../wire/own-bytes.js';
import { CHANGE, PostedThreadEnd } from '../wire/posted-ring.js';
import { FIT, flag, isShared, op, reply, ThreadEnd, word } from '../wire/ring.js';
import { type SerializedThrow, serializeError } from '../wire/serialized-error.js';
import { SlotReader, SlotWriter } from '../wire/values.js';
import { describeException } from './describe-exception.js';
import { HostFunctions } from './host-functions.js';
import { HostedInstance, NEXT, NOTHING } from './hosted-instance.js';
import { isSource, type Source, serveSource } from './result-stream.js';
import { type FoundTasks, findTasks } from './tasks.js';

/** The type of a module of tasks, or of a function that imports it: it is given the option `module`. */
export type TasksSource = object | ((module: string | undefined) => Promise<object>);

type Factory = WasmFactory<unknown, unknown>;

/**
 * How long a thread that has nothing to do blocks its event loop to wait for work. Not much less: a
 * wait that ends before the system's next timer tick costs as much as a call does.
 */
const LINGER_MILLIS = 10;

/** The most calls that are run before timers and I/O get a turn. */
const MOST_IN_A_TURN = 64;

const now = performance.now.bind(performance);
const { timeOrigin } = performance;

/** Whether an instance is fit, and what made it unfit. */
interface Judged {
  readonly verdict: Judgement;
  readonly cause: SerializedThrow | undefined;
}

const FIT_AGAIN: Judged = { verdict: true, cause: undefined };

/** An error for the main thread; undefined where there is none, or it throws when it is looked at. */
function postable(error: unknown): SerializedThrow | undefined {
  try {
    return error === undefined ? undefined : serializeError(error);
  } catch {
    return undefined;
  }
}

/** Runs the requests that arrive at a thread. */
export class Server {
  readonly #data: ThreadData;
  readonly #ring: ThreadEnd;
  readonly #post: (message: unknown, transfer: Transferable[]) => void;
  readonly #mailbox: Mailbox;
  readonly #reader: SlotReader;
  readonly #writer: SlotWriter;
  readonly #hosts: HostFunctions;
  readonly #instances = new Map<number, HostedInstance>();
  readonly #judgesLater: boolean;
  #loading: Promise<Loaded> | undefined = undefined;
  #isLoading = true;
  #factory: Factory | undefined = undefined;
  #found: FoundTasks | undefined = undefined;
  /** Tasks and instances under way that will go on in a later turn of the event loop. */
  #unfinished = 0;
  #turning = false;
  #open: OpenResources | undefined = undefined;
  #lastMessage = 0;

  constructor(data: ThreadData) {
    this.#data = data;
    const { port } = data;
    this.#post = port.postMessage.bind(port);
    this.#ring = isShared(data.ring)
      ? new ThreadEnd(data.ring, () => this.#post([0], []))
      : new PostedThreadEnd(data.ring, this.#post);
    this.#mailbox = new Mailbox(port, (letter) => this.#deliver(letter));
    this.#reader = new SlotReader(this.#ring);
    this.#writer = new SlotWriter(this.#ring);
    this.#hosts = new HostFunctions(data, this.#ring, this.#mailbox);
    this.#judgesLater = data.options.reset === 'restore';
    const receive = (letter: unknown) => {
      this.#mailbox.put(letter);
      this.#wake();
    };
    listenTo(port, receive, (cause) => {
      throw cause; // what was asked for is lost: the thread ends, and says why
    });
    onThreadEnd((error, closed) => {
      this.#post(closed ? [0, END] : [0, END, serializeError(error)], []);
    });
    if (!receivesAtOnce && !data.tellsOutput) return; // a browser shows what its threads write
    interceptOutput((descriptor, bytes) => {
      const { byteLength } = bytes; // gone once they are moved
      this.#post([0, descriptor, bytes], [bytes.buffer as ArrayBuffer]);
      this.#ring.outputPosted(byteLength);
    });
  }

  /** Loads the tasks, and answers requests from then on. */
  listen(source: TasksSource): void {
    this.#loading = this.#load(source);
    const over = () => {
      this.#isLoading = false;
    };
    this.#loading.then(over, over); // whoever asks is told of an error
    this.#open = new OpenResources();
    this.#wake();
  }

  #deliver([number, ...body]: Letter): void {
    if (number < 0) this.#hosts.receive(-number, body);
    else if (body[0] === CHANGE && this.#ring instanceof PostedThreadEnd) {
      this.#ring.change(body.slice(1));
    }
  }

  /** Has requests looked for in a turn of the event loop. */
  #wake(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#ring.setAwake();
    inNextTurn(this.#turn);
  }

  /**
   * Runs the requests that are there. Each has a callback of its own, so that microtasks and ticks of
   * one have run before the next begins.
   */
  readonly #turn = () => {
    this.#passOnAborts();
    if (this.#ring.requestCount > 0 || this.#lingers()) {
      const count = Math.min(this.#ring.requestCount, MOST_IN_A_TURN);
      for (let index = 1; index < count; index++) inNextTurn(this.#serveNext);
      inNextTurn(this.#turn);
      this.#serveNext();
      return;
    }
    this.#turning = false;
    const woken = this.#ring.whenWoken();
    if (woken === undefined) this.#wake();
    else woken.then(() => this.#wake());
  };

  readonly #serveNext = () => {
    if (receivesAtOnce || this.#isComplete()) this.#serve(this.#ring.next());
  };

  /** Where messages come by the event loop, a request in shared memory may overtake its own. */
  #isComplete(): boolean {
    if (this.#ring.requestCount === 0) return false; // those before it were not complete, and are now
    const number = this.#ring.get(this.#ring.first, word.message);
    return number === 0 || this.#mailbox.has(number);
  }

  /**
   * A caller often sends its next call right after a reply. Not where a task waits for something. It
   * does not spin: where processors are busy, the main thread would wait for this one to stop.
   */
  #lingers(): boolean {
    if (this.#unfinished > 0 || this.#hosts.areWaitedFor || this.#isLoading) return false;
    if (this.#open?.any) return false;
    return this.#ring.waitForRequest(LINGER_MILLIS);
  }

  #serve(slot: number): void {
    const target = this.#ring.get(slot, word.target);
    switch (this.#ring.get(slot, word.op)) {
      case op.load:
        if (this.#ring.claim(slot)) this.#answerLater(slot, this.#loadedTasks());
        else this.#ring.reply(slot, reply.returned);
        return;
      case op.make:
        this.#unfinished++;
        this.#loadedTasks().then(
          () => this.#make(slot, target),
          () => this.#make(slot, target),
        );
        return;
      case op.end:
        if (this.#ring.claim(slot)) this.#answerLater(slot, this.#endItself());
        else this.#ring.reply(slot, reply.returned);
        return;
      default:
        this.#serveInstance(slot, this.#instances.get(target));
    }
  }

  /** Runs a request for an instance, or puts it off until the call under way is answered. */
  #serveInstance(slot: number, hosted: HostedInstance | undefined): void {
    const ring = this.#ring;
    if (hosted === undefined) {
      this.#giveBack(slot);
      return;
    }
    if (hosted.running !== NOTHING) {
      hosted.parked.push(slot);
      return;
    }
    if (!ring.claim(slot)) {
      this.#giveBack(slot);
      return;
    }
    switch (ring.get(slot, word.op)) {
      case op.call:
        this.#call(slot, hosted);
        return;
      case op.judge:
        this.#setVerdict(slot, this.#judge(hosted));
        this.#reply(slot, undefined, reply.final);
        return;
      default: // drop
        this.#drop(hosted);
        this.#reply(slot, undefined, reply.final);
    }
  }

  /** A request that is not begun here, and never will be. */
  #giveBack(slot: number): void {
    const number = this.#ring.get(slot, word.message);
    if (number !== 0) this.#mailbox.discard(number);
    this.#ring.reply(slot, reply.returned);
  }

  #answerLater(slot: number, answer: Promise<unknown>): void {
    this.#unfinished++;
    answer.then(
      (value) => {
        this.#unfinished--;
        this.#reply(slot, value, reply.final);
      },
      (error: unknown) => {
        this.#unfinished--;
        this.#replyThrow(slot, error, undefined, reply.final);
      },
    );
  }

  async #load(source: TasksSource): Promise<Loaded> {
    const module = typeof source === 'function' ? await source(this.#data.module) : source;
    const { hosts } = this.#data;
    this.#found = findTasks(module);
    const given: WasmPoolOptions<unknown, unknown> = { ...this.#data.options };
    Object.assign(given, this.#found.options);
    checkWasmOptions('module', given);
    this.#giveHosts(given);
    const { program, poolName } = this.#data;
    const own = 'code' in program ? await receiveCode(program) : new CompiledModule(program);
    if (hosts.length > 0 && own.kind === 'module' && given.instantiate === undefined) {
      given.imports = this.#withHosts(own.extended, given.imports);
    }
    const { prepared: shared } = this.#data;
    this.#factory = new WasmFactory(own, poolName, given, { shared, thread: threadNumber() });
    return { endsItself: this.#found.onThreadEnd !== undefined };
  }

  /** Has each instance its host functions before any of the tasks' own code sees it. */
  #giveHosts(given: WasmPoolOptions<unknown, unknown>): void {
    const { imports, wasi, onCreate, instantiate } = given;
    const hosts = this.#hosts;
    const giving =
      <Instance extends object, Rest extends unknown[], Result>(
        fn: (instance: Instance, ...rest: Rest) => Result,
      ) =>
      (instance: Instance, ...rest: Rest) => {
        hosts.giveTo(instance);
        return fn(instance, ...rest);
      };
    if (typeof imports === 'function') given.imports = giving(imports);
    if (typeof wasi === 'function') given.wasi = giving(wasi);
    if (onCreate !== undefined) given.onCreate = giving(onCreate);
    if (instantiate === undefined) return;
    given.instantiate = (module, instance) => {
      hosts.giveTo(instance);
      return instantiate(module, instance);
    };
  }

  #loadedTasks(): Promise<Loaded> {
    return this.#loading as Promise<Loaded>;
  }

  /** The imports that the tasks' module gives, and host functions for the imports that it leaves out. */
  #withHosts(
    module: WebAssembly.Module,
    imports: WasmPoolOptions<unknown, unknown>['imports'],
  ): WasmPoolOptions<unknown, unknown>['imports'] {
    const merge = (given: WasmImports | undefined): WasmImports => {
      const merged: WasmImports = { ...given };
      for (const [from, functions] of Object.entries(this.#hosts.importsFor(module, given))) {
        merged[from] = { ...given?.[from], ...functions };
      }
      return merged;
    };
    if (typeof imports !== 'function') return merge(imports);
    return async (instance) => merge(await imports(instance));
  }

  async #endItself(): Promise<void> {
    await this.#found?.onThreadEnd?.();
  }

  async #make(slot: number, id: number): Promise<void> {
    if (!this.#ring.claim(slot)) {
      this.#unfinished--;
      this.#giveBack(slot);
      return;
    }
    try {
      await this.#loadedTasks();
      const factory = this.#factory as Factory;
      const instance = await factory.createAs(id);
      const tasks = this.#found?.tasks ?? new Map<string, never>();
      const exported = functionsOf(instance.exports);
      const names = [...new Set([...tasks.keys(), ...exported])];
      const hosted = new HostedInstance(instance, names, tasks, this.#ring, this.#hosts);
      this.#instances.set(id, hosted);
      const { memoryBytes } = instance;
      const made: Made = { memoryBytes, restoreBlockers: factory.restoreBlockers, names };
      this.#reply(slot, made, reply.final);
    } catch (error) {
      this.#replyThrow(slot, error, undefined, reply.final);
    } finally {
      this.#unfinished--;
    }
  }

  #call(slot: number, hosted: HostedInstance): void {
    const ring = this.#ring;
    const flags = ring.get(slot, word.flags);
    const count = ring.get(slot, word.count);
    const number = ring.get(slot, word.message);
    const values =
      number === 0 ? this.#reader.readAll(slot, count) : (this.#mailbox.take(number) as unknown[]);
    const context = flags & flag.hasContext ? values.pop() : undefined;
    const { pooled } = hosted;
    hosted.begin(slot);
    pooled.lend(context);
    if (flags & flag.timed) ring.setStartMillis(slot, timeOrigin + now());
    let result: unknown;
    try {
      result = hosted.functions[ring.get(slot, word.task)]?.(...values);
    } catch (error) {
      this.#answer(slot, hosted, false, error);
      return;
    }
    if (!isThenable(result)) {
      this.#answer(slot, hosted, true, result);
      return;
    }
    this.#unfinished++;
    Promise.resolve(result).then(
      (value) => {
        this.#unfinished--;
        this.#answer(slot, hosted, true, value);
      },
      (error: unknown) => {
        this.#unfinished--;
        this.#answer(slot, hosted, false, error);
      },
    );
  }

  #answer(slot: number, hosted: HostedInstance, succeeded: boolean, value: unknown): void {
    const ring = this.#ring;
    if (succeeded && isSource(value)) {
      this.#stream(slot, hosted, value);
      return;
    }
    if (!succeeded) hosted.thrown = [value];
    const ownsLoan = (ring.get(slot, word.flags) & flag.ownsLoan) !== 0;
    const later = ownsLoan && this.#judgesLater;
    // While the instance has its exports still: a judgement may take them.
    const told = succeeded ? value : describeException(value, hosted.pooled.exports);
    hosted.end();
    ring.setMemoryBytes(slot, hosted.pooled.memoryBytes);
    if (!later) this.#setVerdict(slot, ownsLoan ? this.#judge(hosted, value) : FIT_AGAIN);
    const what = later ? reply.result : reply.final;
    if (succeeded) this.#reply(slot, value, what, hosted);
    else this.#replyThrow(slot, told, hosted, what);
    if (later) {
      this.#setVerdict(slot, this.#judge(hosted, value));
      ring.reply(slot, reply.verdict);
    }
    this.#serveParked(hosted);
  }

  /** Answers with a port by which the result is read; the call goes on until it is read, or left. */
  #stream(slot: number, hosted: HostedInstance, source: Source): void {
    const ring = this.#ring;
    const ownsLoan = (ring.get(slot, word.flags) & flag.ownsLoan) !== 0;
    const over = (...thrown: unknown[]) => {
      this.#unfinished--;
      if (thrown.length > 0) hosted.thrown = thrown;
      hosted.end();
      ring.setMemoryBytes(slot, hosted.pooled.memoryBytes);
      this.#setVerdict(slot, ownsLoan ? this.#judge(hosted, thrown[0]) : FIT_AGAIN);
      ring.reply(slot, reply.verdict);
      this.#serveParked(hosted);
    };
    this.#unfinished++;
    const describe = (error: unknown) => describeException(error, hosted.pooled.exports);
    const port = serveSource(source, this.#nameOf(slot, hosted), describe, over);
    const number = ++this.#lastMessage;
    this.#post([number, port], [port as Transferable]);
    ring.set(slot, word.message, number);
    ring.set(slot, word.flags, flag.streams);
    ring.setMemoryBytes(slot, hosted.pooled.memoryBytes);
    ring.reply(slot, reply.result);
  }

  #serveParked(hosted: HostedInstance): void {
    if (hosted.running !== NOTHING) return;
    const slot = hosted.parked.shift();
    if (slot === undefined) return;
    hosted.running = NEXT;
    inNextTurn(() => {
      hosted.running = NOTHING;
      const current = this.#instances.get(hosted.pooled.id);
      this.#serveInstance(slot, current);
      if (current !== undefined) this.#serveParked(current);
    });
  }

  /** Writes a result to its slot, or posts it. One that cannot be posted becomes an error. */
  #reply(slot: number, value: unknown, what: number, hosted?: HostedInstance): void {
    const ring = this.#ring;
    ring.set(slot, word.flags, 0);
    this.#writer.begin(slot);
    try {
      const moved = typeof value === 'object' && value !== null ? movedOf([value]) : [];
      if (moved.length === 0 && this.#writer.write(value)) {
        ring.set(slot, word.message, 0);
      } else {
        const number = ++this.#lastMessage;
        this.#post([number, ownBytes(value, moved)], moved);
        ring.set(slot, word.message, number);
      }
    } catch (cause) {
      const name = this.#nameOf(slot, hosted);
      this.#replyThrow(slot, cloneError(`the result of ${name}`, cause), hosted, what);
      return;
    }
    ring.reply(slot, what);
  }

  #replyThrow(
    slot: number,
    error: unknown,
    hosted: HostedInstance | undefined,
    what: number,
  ): void {
    const ring = this.#ring;
    const number = ++this.#lastMessage;
    try {
      this.#post([number, serializeError(error)], []);
    } catch (cause) {
      const name = this.#nameOf(slot, hosted);
      this.#post([number, serializeError(cloneError(`what ${name} threw`, cause))], []);
    }
    ring.set(slot, word.flags, flag.threw);
    ring.set(slot, word.message, number);
    ring.reply(slot, what);
  }

  #nameOf(slot: number, hosted: HostedInstance | undefined): string {
    return hosted?.names[this.#ring.get(slot, word.task)] ?? 'the thread';
  }

  /** Says whether the instance is fit, or by which message it is told why not. */
  #setVerdict(slot: number, { verdict, cause }: Judged): void {
    let code: number = FIT;
    if (verdict !== true) {
      code = ++this.#lastMessage;
      this.#post([code, verdict, cause], []);
    }
    this.#ring.set(slot, word.verdict, code);
  }

  /**
   * At the end of a loan: an instance that is not fit is called no more.
   *
   * @param answer what the last call came to: where that is the cause, it need not be told again
   */
  #judge(hosted: HostedInstance, answer?: unknown): Judged {
    const thrown = hosted.thrown.splice(0);
    const verdict = this.#factory?.judge(hosted.pooled, ...thrown) as Judgement;
    if (verdict === true) return FIT_AGAIN;
    const cause = this.#factory?.causeOf(hosted.pooled, verdict, ...thrown);
    const judged = { verdict, cause: cause === answer ? undefined : postable(cause) };
    this.#drop(hosted);
    return judged;
  }

  #drop(hosted: HostedInstance): void {
    this.#factory?.destroy(hosted.pooled);
    this.#instances.delete(hosted.pooled.id);
    for (const slot of hosted.parked.splice(0)) this.#giveBack(slot);
  }

  /** Tells the tasks under way that they are to stop. */
  #passOnAborts(): void {
    for (const hosted of this.#instances.values()) {
      hosted.signal.passOn();
    }
  }
}

function functionsOf(exports: unknown): string[] {
  if (typeof exports !== 'object' || exports === null) return [];
  return Object.entries(exports).flatMap(([name, value]) =>
    typeof value === 'function' ? name : [],
  );
}

async function receiveCode(posted: PostedComponent): Promise<Component> {
  const { receiveComponent } = await import('../../component/posted-component.js');
  return receiveComponent(posted);
}
