import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RunningTasks } from '../../../packages/wasm-adapter/src/instance/running-tasks.js';

describe('tasks that go on after their answer', () => {
  let tasks: RunningTasks;
  let over: boolean;
  beforeEach(() => {
    vi.useFakeTimers();
    tasks = new RunningTasks();
    over = false;
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  const wait = async () => {
    await tasks.allEnded(1000);
    over = true;
  };

  test('are waited for until the last one has ended', async () => {
    tasks.begin();
    tasks.begin();
    const waiting = wait();
    tasks.end();
    await vi.advanceTimersByTimeAsync(500);
    expect(over).toBe(false);
    tasks.end();
    await waiting;
    expect(tasks.running).toBe(0);
  });

  test('are not waited for once one of them has trapped', async () => {
    tasks.begin();
    tasks.begin();
    const waiting = wait();
    tasks.fail();
    await waiting;
    expect(tasks.running).toBe(2);
  });

  test('are not waited for any longer than was said', async () => {
    tasks.begin();
    const waiting = wait();
    await vi.advanceTimersByTimeAsync(999);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(tasks.running).toBe(1);
  });
});
