import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OwnGlobals } from '../../../packages/wasm-adapter/src/instance/component/own-globals.js';
import { PendingCalls } from '../../../packages/wasm-adapter/src/instance/component/pending-calls.js';
import { CallState } from '../../../packages/wasm-adapter/src/instance/guard.js';

describe('the timers of an instance of a component', () => {
  let calls: CallState;
  let dropped: AbortController;
  let globals: OwnGlobals;
  let pending: PendingCalls;
  let ticks: number;
  const tick = (by: unknown = 1) => {
    ticks += Number(by);
  };
  beforeEach(() => {
    vi.useFakeTimers();
    ticks = 0;
    calls = new CallState('test#1');
    dropped = new AbortController();
    pending = new PendingCalls();
    globals = new OwnGlobals(calls, dropped.signal, FinalizationRegistry, pending);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('are as ever while it is there', () => {
    const timer = globals.setInterval(tick, 10);
    globals.setTimeout(tick, 10, 100);
    vi.advanceTimersByTime(5000);
    expect(ticks).toBe(600);
    expect(timer.hasRef()).toBe(true);
    globals.clearInterval(timer);
    expect(vi.getTimerCount()).toBe(0);
    expect(globals.timers).toBe(0);
  });

  test('keep no process alive once it was dropped', () => {
    const timers = [globals.setInterval(tick, 10), globals.setTimeout(tick, 10)];
    dropped.abort();
    timers.push(globals.setTimeout(tick, 10));
    expect(timers.map((timer) => timer.hasRef())).toEqual([false, false, false]);
  });

  test('end a second after it was dropped', () => {
    globals.setInterval(tick, 10);
    globals.setTimeout(tick, 100_000);
    dropped.abort();
    vi.advanceTimersByTime(2000);
    expect(ticks).toBeGreaterThan(90);
    expect(ticks).toBeLessThan(101);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('end with it though a call is under way, which is rejected then', () => {
    const rejected = vi.fn();
    pending.add(rejected);
    calls.inFlight++;
    globals.setInterval(tick);
    dropped.abort();
    vi.advanceTimersByTime(900);
    expect(rejected).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(rejected).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' }),
    );
    globals.setInterval(tick, 10);
    globals.setTimeout(tick, 10);
    expect(vi.getTimerCount()).toBe(0);
  });
});
