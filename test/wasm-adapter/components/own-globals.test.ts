import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OwnGlobals } from '../../../packages/wasm-adapter/src/instance/component/own-globals.js';
import { CallState } from '../../../packages/wasm-adapter/src/instance/guard.js';

describe('the timers of an instance of a component', () => {
  let calls: CallState;
  let dropped: AbortController;
  let globals: OwnGlobals;
  let ticks: number;
  const tick = (by: unknown = 1) => {
    ticks += Number(by);
  };
  beforeEach(() => {
    vi.useFakeTimers();
    ticks = 0;
    calls = new CallState('test#1');
    dropped = new AbortController();
    globals = new OwnGlobals(calls, dropped.signal);
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

  test('go on for as long as a call of it is under way', () => {
    globals.setInterval(tick, 10);
    calls.inFlight++;
    dropped.abort();
    vi.advanceTimersByTime(5000);
    expect(ticks).toBe(500);
    calls.inFlight--;
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(0);
  });
});
