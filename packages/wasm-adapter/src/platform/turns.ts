/** Runs a function in a turn of the event loop of its own. */
export function inNextTurn(fn: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(fn);
  else inNextMessage(fn);
}

/** A timer that does not keep the process alive. In browsers a timer is a number. */
export function backgroundTimer(run: () => void, millis: number): NodeJS.Timeout {
  const timer = setTimeout(run, millis);
  if (typeof timer === 'object') timer.unref();
  return timer;
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Browsers have no setImmediate, and timers that follow each other wait 4 ms there. */
function inNextMessage(fn: () => void): void {
  waiting.push(fn);
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  channel.port2.postMessage(undefined);
}
