import { afterEach, expect, test, vi } from 'vitest';

type Runtime = typeof import('../../packages/core/src/runtime.js');

/** Loads the module anew, where some of what Node.js has is missing. */
async function without(stub: () => void): Promise<Runtime> {
  vi.resetModules();
  stub();
  return import('../../packages/core/src/runtime.js');
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test.each([
  ['no process', () => vi.stubGlobal('process', undefined)],
  ['a process without getBuiltinModule', () => vi.stubGlobal('process', { env: {} })],
  ['no such modules', () => vi.stubGlobal('process', { getBuiltinModule: () => undefined })],
])('on a platform that has %s, there are no contexts and no channels', async (_, stub) => {
  const { channel, outsideRequests } = await without(stub);
  expect(outsideRequests(() => 5)).toBe(5);
  const silent = channel('wasm-pool:wait');
  expect(silent.hasSubscribers).toBe(false);
  const listener = vi.fn();
  silent.subscribe(listener);
  silent.publish({});
  silent.unsubscribe(listener);
  expect(listener).not.toHaveBeenCalled();
});

test('where there is no setImmediate, timers take its place, and the clock is read each time', async () => {
  const { nextTurn, turnMillis } = await without(() => vi.stubGlobal('setImmediate', undefined));
  await new Promise<void>((resolve) => nextTurn(resolve));
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  const before = turnMillis();
  vi.advanceTimersByTime(10);
  expect(turnMillis()).toBe(before + 10);
});
