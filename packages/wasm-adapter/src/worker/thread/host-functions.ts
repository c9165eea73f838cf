import type { Transferable } from '../../platform/threads.js';
import { waitForAnswer } from '../wire/answer-line.js';
import type { Mailbox } from '../wire/mailbox.js';
import type { ThreadData } from '../wire/messages.js';
import { cloneError, movedOf } from '../wire/move.js';
import { ownBytes } from '../wire/own-bytes.js';
import type { ThreadEnd } from '../wire/ring.js';
import { deserializeError, type SerializedThrow } from '../wire/serialized-error.js';

type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** The most calls that a thread may be ahead of its host functions, before a further one blocks. */
const MOST_WAITING = 1000;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The host functions of the main thread, as functions of this one. */
export class HostFunctions {
  /** Each blocks the thread until it has its answer. */
  readonly blocking: Functions;
  /** Each gives a promise. */
  readonly promising: Functions;
  readonly #post: (message: unknown, transfer: Transferable[]) => void;
  readonly #line: Int32Array<ArrayBufferLike> | undefined;
  readonly #ring: ThreadEnd;
  readonly #mailbox: Mailbox;
  readonly #answers = new Map<number, readonly unknown[]>();
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor({ hosts: names, port, answers }: ThreadData, ring: ThreadEnd, mailbox: Mailbox) {
    this.#line = answers;
    this.#post = port.postMessage.bind(port);
    this.#ring = ring;
    this.#mailbox = mailbox;
    this.blocking = functions(names, (name, args) => this.#callAndWait(name, args));
    this.promising = functions(names, (name, args) => this.#call(name, args));
  }

  /** Gives an instance its `hosts` and `hostsLater`. */
  giveTo(instance: object): void {
    if (Object.hasOwn(instance, 'hosts')) return;
    Object.defineProperties(instance, {
      hosts: { value: this.blocking },
      hostsLater: { value: this.promising },
    });
  }

  /** Whether a call has no answer yet. */
  get areWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  #send(name: string, args: readonly unknown[], blocks: boolean): number {
    const number = ++this.#last;
    const moved = movedOf(args);
    try {
      this.#post([-number, name, blocks, ...(ownBytes(args, moved) as unknown[])], moved);
    } catch (cause) {
      throw cloneError(`an argument of the host function ${name}`, cause);
    }
    this.#ring.hostCalled();
    return number;
  }

  #callAndWait(name: string, args: readonly unknown[]): unknown {
    const number = this.#send(name, args, true);
    if (this.#line !== undefined) return taken(waitForAnswer(this.#line));
    for (;;) {
      const replies = this.#ring.hostReplies;
      this.#mailbox.sort(Number.POSITIVE_INFINITY);
      const answer = this.#answers.get(number);
      if (answer === undefined) {
        this.#ring.waitForHost(replies);
        continue;
      }
      this.#answers.delete(number);
      return taken(answer);
    }
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    while (this.#waiting.size >= MOST_WAITING) {
      const replies = this.#ring.hostReplies;
      this.#mailbox.sort(Number.POSITIVE_INFINITY);
      if (this.#waiting.size >= MOST_WAITING) this.#ring.waitForHost(replies);
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    try {
      this.#waiting.set(this.#send(name, args, false), { resolve, reject });
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** A host function has answered. */
  receive(number: number, answer: readonly unknown[]): void {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) {
      this.#answers.set(number, answer);
      return;
    }
    this.#waiting.delete(number);
    const [succeeded, value] = answer;
    if (succeeded === true) waiting.resolve(value);
    else waiting.reject(deserializeError(value as SerializedThrow));
  }

  /**
   * The functions that a module imports and nobody else gives: host functions of the same name, as
   * imports that block.
   */
  importsFor(module: WebAssembly.Module, given: unknown): Record<string, Record<string, unknown>> {
    const imports: Record<string, Record<string, unknown>> = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (kind !== 'function' || !Object.hasOwn(this.blocking, name)) continue;
      if (isGiven(given, from, name)) continue;
      imports[from] ??= Object.create(null) as Record<string, unknown>;
      imports[from][name] = this.blocking[name];
    }
    return imports;
  }
}

/** The value of an answer. Throws what the host function threw. */
function taken([succeeded, value]: readonly unknown[]): unknown {
  if (succeeded === true) return value;
  throw deserializeError(value as SerializedThrow, new Error().stack?.replace(/^.*\n/, ''));
}

function functions(
  names: readonly string[],
  call: (name: string, args: readonly unknown[]) => unknown,
): Functions {
  const all: Record<string, (...args: unknown[]) => unknown> = Object.create(null);
  for (const name of names) all[name] = (...args) => call(name, args);
  return Object.freeze(all);
}

function isGiven(imports: unknown, from: string, name: string): boolean {
  if (typeof imports !== 'object' || imports === null || !Object.hasOwn(imports, from))
    return false;
  const module: unknown = Reflect.get(imports, from);
  return typeof module === 'object' && module !== null && name in module;
}
