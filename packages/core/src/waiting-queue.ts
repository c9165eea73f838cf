import type { Waiter } from './waiter.js';
import { WaiterRing } from './waiter-ring.js';

/**
 * The acquires that wait, in priority then arrival order. Given to generic-pool as its
 * PriorityQueue class. Adding and taking are O(1), removing is O(log n).
 */
export class WaitingQueue<T> {
  length = 0;
  /** Since when the waiter that was taken out last had waited. */
  takenSinceMillis = 0;
  readonly #lines: WaiterRing<T>[];

  constructor(priorityRange: number) {
    this.#lines = Array.from({ length: priorityRange }, () => new WaiterRing<T>());
  }

  /** How many of the highest priority wait. */
  get topPriorityLength(): number {
    return this.#line(0).length;
  }

  /**
   * @param priority 0 (highest) to `priorityRange - 1`
   * @param inFront before all others of its priority
   * @returns a ticket for `remove`
   */
  enqueue(waiter: Waiter<T>, priority: number, inFront: boolean, sinceMillis: number): number {
    this.length++;
    const line = this.#line(priority);
    return inFront ? line.unshift(waiter, sinceMillis) : line.push(waiter, sinceMillis);
  }

  /** The next waiter. */
  get first(): Waiter<T> | undefined {
    return this.#firstLine?.first;
  }

  /** Takes out the next waiter. There has to be one. */
  dequeue(): Waiter<T> {
    const line = this.#firstLine as WaiterRing<T>;
    this.length--;
    const waiter = line.shift();
    this.takenSinceMillis = line.takenSinceMillis;
    return waiter;
  }

  get #firstLine(): WaiterRing<T> | undefined {
    if (this.length === 0) return undefined;
    let priority = 0;
    while (this.#line(priority).length === 0) priority++;
    return this.#line(priority);
  }

  /** Takes out the waiter that has that ticket of that priority. */
  remove(ticket: number, priority: number): void {
    this.length--;
    const line = this.#line(priority);
    line.remove(ticket);
    this.takenSinceMillis = line.takenSinceMillis;
  }

  #line(priority: number): WaiterRing<T> {
    return this.#lines[priority] as WaiterRing<T>;
  }
}
