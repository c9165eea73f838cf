import { isComponentError, isJcoFuture } from '../../component/jco-code.js';
import { WasmError } from '../../errors.js';
import { frozenRecord } from '../frozen-record.js';
import type { CallState } from '../guard.js';
import type { HeldResources } from './held-resources.js';
import type { PendingCalls } from './pending-calls.js';

type Callable = (this: unknown, ...args: unknown[]) => unknown;

/** Answers that have left a component: one that leaves another came in there by an import, and through it. */
const answers = new WeakSet<object>();

/**
 * Whether what a call threw is the component's answer, the error of a WIT `result`, which it returned
 * in good order.
 */
function isWitResultError(error: unknown): boolean {
  if (!(error instanceof Error) || !isComponentError(error) || answers.has(error)) return false;
  answers.add(error);
  return true;
}

/**
 * A component's exports, with each function guarded, those of its interfaces and resources too: it
 * throws when the instance is not on loan, and notes what is thrown, other than the component's
 * answers. jco keeps some instances callable that an exception went through; they are as broken.
 *
 * @param streams whether results may have streams or futures in them
 * @param pending has the calls that may be suspended, to reject them where they cannot end any more
 */
export function guardComponent(
  exports: object,
  calls: CallState,
  held: HeldResources,
  streams: boolean,
  pending: PendingCalls,
): Readonly<Record<string, unknown>> {
  const known = new Map<unknown, unknown>(); // jco has each interface under several names

  const end = () => {
    calls.inFlight--;
    held.guardDisposal(guardDisposal);
  };
  const succeed = (result: unknown) => {
    end();
    if (streams) held.noteOpen(result);
    return result;
  };
  const fail = (error: unknown) => {
    end();
    if (!isWitResultError(error)) calls.poison(error);
    return error;
  };

  /** A guard has the `length` and `name` of what it guards: what stands for it goes by these. */
  function guardFunction(call: Callable): Callable {
    const guarded = guardOf(call);
    Object.defineProperty(guarded, 'length', { value: call.length, configurable: true });
    return Object.defineProperty(guarded, 'name', { value: call.name, configurable: true });
  }

  function guardOf(call: Callable): Callable {
    return function (this: unknown, ...args) {
      if (!calls.callable) throw calls.notCallable();
      if (typeof this === 'object' && this !== null && held.isDisposedOrMoved(this)) {
        throw new WasmError('ERR_WASM_NOT_LENT', 'the resource was disposed or given away');
      }
      calls.inFlight++;
      let result: unknown;
      try {
        result = Reflect.apply(call, this, args);
      } catch (error) {
        throw fail(error);
      }
      return isPending(result) ? settled(result) : succeed(result);
    };
  }

  /** A call that may be suspended is in flight until its promise, or WIT `future`, settles. */
  function settled(result: PromiseLike<unknown>): Promise<unknown> {
    let isOver = false;
    const ended = new Promise((resolve, reject) => {
      const once = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        answered();
        settle();
      };
      const failed = (error: unknown) => {
        // The loan is over: its borrower may not be listening any more.
        if (!calls.callable) ended.catch(() => {});
        reject(fail(error));
      };
      const answered = pending.add((error) => once(() => failed(error)));
      result.then(
        (value) => once(() => resolveUnwrapped(succeed(value), resolve)),
        (error: unknown) => once(() => failed(error)),
      );
    });
    return ended;
  }

  /** A resource that outlives its loan has gone with its instance. */
  function guardDisposal(dispose: () => void): () => void {
    const call = guardFunction(dispose);
    return () => {
      if (calls.callable) call();
    };
  }

  /** jco finds its own methods, and tells its own resources, by the class's prototype: it stays. */
  function guardClass(resource: new () => object): object {
    guardMembers(resource.prototype, (name) => name === 'constructor');
    guardMembers(resource, (name) => name === 'prototype');
    const construct = guardFunction((...args) => Reflect.construct(resource, args));
    return new Proxy(resource, { construct: (_, args) => construct(...args) as object });
  }

  function guardMembers(owner: object, skip: (name: string) => boolean): void {
    for (const name of Object.getOwnPropertyNames(owner)) {
      const member: unknown = Reflect.get(owner, name);
      if (typeof member === 'function' && !skip(name)) {
        Reflect.set(owner, name, guardFunction(member as Callable));
      }
    }
  }

  function guardInterface(members: object): Readonly<Record<string, unknown>> {
    return frozenRecord(Object.entries(members).map(([name, member]) => [name, guard(member)]));
  }

  function guard(value: unknown): unknown {
    if (known.has(value)) return known.get(value);
    let result = value;
    if (isClass(value)) result = guardClass(value);
    else if (typeof value === 'function') result = guardFunction(value as Callable);
    else if (typeof value === 'object' && value !== null) result = guardInterface(value);
    known.set(value, result);
    return result;
  }

  return guardInterface(exports);
}

/** Of functions, only a class has a prototype that cannot be replaced: ECMAScript, ClassDefinitionEvaluation. */
export function isClass(value: unknown): value is new () => object {
  if (typeof value !== 'function') return false;
  return Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
}

/**
 * Whether a call goes on: jco gives a promise then, or a WIT `future`. Not whatever has a `then`: that
 * may be the name of a record's field or of a resource's method.
 */
function isPending(result: unknown): result is PromiseLike<unknown> {
  return result instanceof Promise || isJcoFuture(result);
}

/** Resolves with a value that may be a WIT `future`, which jco makes a thenable: to that, not to what it holds. */
function resolveUnwrapped(value: unknown, resolve: (value: unknown) => void): void {
  if (isJcoFuture(value)) value.resolveAsValue(resolve);
  else resolve(value);
}
