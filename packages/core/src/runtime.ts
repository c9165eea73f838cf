// What core uses of Node.js beyond the language. Each part is looked for, and left out where it is missing.

/** A channel of `node:diagnostics_channel`. */
export interface Channel<Message extends object> {
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
  subscribe(listener: (message: Message) => void): void;
  unsubscribe(listener: (message: Message) => void): void;
}

/** Runs a function in the AsyncLocalStorage context that was taken. */
export type RunInContext = <R>(fn: () => R) => R;

interface Builtins {
  async_hooks: { AsyncResource: new (type: string) => { runInAsyncScope: RunInContext } };
  diagnostics_channel: { channel<Message extends object>(name: string): Channel<Message> };
}

function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const getBuiltin: unknown = globalThis.process?.getBuiltinModule;
  if (typeof getBuiltin !== 'function') return undefined;
  return Reflect.apply(getBuiltin, globalThis.process, [`node:${name}`]);
}

const SILENT: Channel<never> = {
  hasSubscribers: false,
  publish() {},
  subscribe() {},
  unsubscribe() {},
};

/** The channel of that name; where there are no channels, one that never says anything. */
export function channel<Message extends object>(name: string): Channel<Message> {
  return builtin('diagnostics_channel')?.channel<Message>(name) ?? SILENT;
}

/**
 * Runs a function outside of any request: in the AsyncLocalStorage context in which this module was
 * loaded. A pool is often made by the first request; its timers must not carry that request for ever.
 */
export const outsideRequests: RunInContext = contextOfNow();

/** Takes the AsyncLocalStorage context of now, where the platform has such contexts. */
export function contextOfNow(): RunInContext {
  const Scope = builtin('async_hooks')?.AsyncResource;
  if (Scope === undefined) return (fn) => fn();
  const scope = new Scope('wasm-pool'); // AsyncLocalStorage's `snapshot` takes eight times as long
  return (fn) => scope.runInAsyncScope(fn);
}

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

/** Runs a function at the end of this turn of the event loop, or at once where that cannot be had. */
export function soon(run: () => void): void {
  if (platformImmediate === undefined) run();
  else platformImmediate(run);
}

/** The clock that durations are measured with, in milliseconds. Test tools can replace it. */
export function clockMillis(): number {
  return performance.now();
}

/**
 * The time of that clock, as of this turn of the event loop: it is read once a turn, because thousands
 * of acquires may wait and be served within one.
 */
export function turnMillis(): number {
  if (turnIsKnown) return turnStarted;
  turnStarted = clockMillis();
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
