// What core uses of Node.js beyond the language. Each part is looked for, and left out where it is missing.

/** A channel of `node:diagnostics_channel`. */
export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: object): void;
}

/** An AsyncResource: it has the AsyncLocalStorage context in which it was made. */
interface Scope {
  runInAsyncScope<R>(fn: () => R): R;
}

interface Builtins {
  async_hooks: { AsyncResource: new (type: string) => Scope };
  diagnostics_channel: { channel(name: string): Channel };
}

function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const getBuiltin: unknown = globalThis.process?.getBuiltinModule;
  if (typeof getBuiltin !== 'function') return undefined;
  return Reflect.apply(getBuiltin, globalThis.process, [`node:${name}`]);
}

const SILENT: Channel = { hasSubscribers: false, publish() {} };

/** The channel of that name; where there are no channels, one that nobody can subscribe to. */
export function channel(name: string): Channel {
  return builtin('diagnostics_channel')?.channel(name) ?? SILENT;
}

const OutsideScope = builtin('async_hooks')?.AsyncResource;
const outside = OutsideScope && new OutsideScope('wasm-pool');

/**
 * Runs a function outside of any request: in the AsyncLocalStorage context in which this module was
 * loaded. A pool is often made by the first request; its timers must not carry that request for ever.
 * (AsyncLocalStorage's own `snapshot` takes eight times as long.)
 */
export const outsideRequests: <R>(fn: () => R) => R =
  outside === undefined ? (fn) => fn() : (fn) => outside.runInAsyncScope(fn);

/** A timer that does not keep the process alive. */
export function backgroundTimer(run: () => void, millis: number): NodeJS.Timeout {
  const timer = setTimeout(run, millis);
  keepAlive(timer, false);
  return timer;
}

/** Says whether the process stays alive for a timer. In browsers a timer is a number. */
export function keepAlive(timer: NodeJS.Timeout | undefined, awaited: boolean): void {
  if (typeof timer !== 'object') return;
  if (awaited) timer.ref();
  else timer.unref();
}

/** Runs a function in a later turn of the event loop, after I/O. */
export function nextTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run);
  else setTimeout(run, 0);
}

/** How many turns I/O gets before a late timeout: to connect, to be written to, to read, to be answered. */
const TURNS = 4;

/**
 * A timer that lets I/O go first when it is late: after a blocked event loop timers are run before I/O, though
 * the answer may have been there for long. Clocks that test tools replace are never late.
 *
 * @param isOver whether the answer has come meanwhile
 */
export function timeout(run: () => void, millis: number, isOver: () => boolean): NodeJS.Timeout {
  const dueMillis = Date.now() + millis;
  return setTimeout(() => {
    afterIo(run, isOver, Date.now() > dueMillis ? TURNS : 0);
  }, millis);
}

function afterIo(run: () => void, isOver: () => boolean, turns: number): void {
  if (isOver()) return;
  if (turns === 0) run();
  else nextTurn(() => afterIo(run, isOver, turns - 1));
}

/** Never negative: the clock may have been set back. */
export function millisSince(sinceMillis: number, nowMillis = Date.now()): number {
  return Math.max(nowMillis - sinceMillis, 0);
}

/** The one of the platform: test tools that fake timers must not stop the clock below for good. */
const platformImmediate = globalThis.setImmediate;

/**
 * The time in milliseconds, as of this turn of the event loop: it is read once a turn, because thousands
 * of acquires may wait and be served within one. `Date`, since test tools can replace it.
 */
export function turnMillis(): number {
  if (turnIsKnown) return turnStarted;
  turnStarted = Date.now();
  if (platformImmediate !== undefined) {
    turnIsKnown = true;
    platformImmediate(forgetTurn);
  }
  return turnStarted;
}

let turnIsKnown = false;
let turnStarted = 0;
function forgetTurn(): void {
  turnIsKnown = false;
}
