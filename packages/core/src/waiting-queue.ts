import type { Waiter } from './waiter.js';
import { WaiterRing } from './waiter-ring.js';

/**
 * The acquires that wait, in priority then arrival order. Given to generic-pool as its
 * PriorityQueue class. Adding and taking are O(1), removing is O(log n).
 */
export class WaitingQueue<T> {
  length = 0;
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
   * @returns the ticket to give up with
   */
  enqueue(waiter: Waiter<T>, priority: number, inFront: boolean): number {
    this.length++;
    const line = this.#line(priority);
    return inFront ? line.unshift(waiter) : line.push(waiter);
  }

  /** Who is next. */
  get first(): Waiter<T> | undefined {
    return this.#firstLine?.first;
  }

  /** Takes out who is next. */
  dequeue(): Waiter<T> | undefined {
    const line = this.#firstLine;
    if (line !== undefined) this.length--;
    return line?.shift();
  }

  get #firstLine(): WaiterRing<T> | undefined {
    if (this.length === 0) return undefined;
    let priority = 0;
    while (this.#line(priority).length === 0) priority++;
    return this.#line(priority);
  }

  /** Takes out who has that ticket of that priority. */
  remove(ticket: number, priority: number): void {
    this.length--;
    this.#line(priority).remove(ticket);
  }

  #line(priority: number): WaiterRing<T> {
    return this.#lines[priority] as WaiterRing<T>;
  }
}
