import type { Waiter } from './waiter.js';

const SMALLEST = 16;

/**
 * The waiting acquires of one priority, in order of arrival. A ring of arrays rather than a linked
 * list: with tens of thousands of waiters the objects of a list cost the garbage collector three
 * times as much as the promises that they stand for.
 */
export class WaiterRing<T> {
  /** How many wait. */
  length = 0;

  /** Since when the waiter that was taken out last had waited. */
  takenSinceMillis = 0;

  // Slots from `#head` on, `#used` of them: in the order of their tickets; removed waiters leave empty ones.
  #waiters: (Waiter<T> | undefined)[] = new Array(SMALLEST);
  #tickets: number[] = new Array(SMALLEST).fill(0);
  #sinces: number[] = new Array(SMALLEST).fill(0);
  #head = 0;
  #used = 0;
  #nextTicket = 0;

  /** Adds one at the end. Tickets count up. */
  push(waiter: Waiter<T>, sinceMillis: number): number {
    if (this.#used === this.#tickets.length) this.#resize();
    const slot = this.#slot(this.#used++);
    this.#waiters[slot] = waiter;
    this.#tickets[slot] = this.#nextTicket;
    this.#sinces[slot] = sinceMillis;
    this.length++;
    return this.#nextTicket++;
  }

  /** Adds one in front, with a ticket smaller than the current first. */
  unshift(waiter: Waiter<T>, sinceMillis: number): number {
    if (this.#used === this.#tickets.length) this.#resize();
    const ticket = this.#ticketAt(0) - 1;
    this.#head = this.#slot(-1);
    this.#used++;
    this.#waiters[this.#head] = waiter;
    this.#tickets[this.#head] = ticket;
    this.#sinces[this.#head] = sinceMillis;
    this.length++;
    return ticket;
  }

  /** The first one. There has to be one. */
  get first(): Waiter<T> {
    for (;;) {
      const waiter = this.#waiters[this.#head];
      if (waiter !== undefined) return waiter;
      this.#head = this.#slot(1);
      this.#used--;
    }
  }

  /** Takes the first one out. There has to be one. */
  shift(): Waiter<T> {
    const { first } = this;
    this.takenSinceMillis = this.#sinces[this.#head] as number;
    this.#waiters[this.#head] = undefined;
    this.#head = this.#slot(1);
    this.#used--;
    this.length--;
    return first;
  }

  /** Takes the one with that ticket out. It has to be waiting. */
  remove(ticket: number): void {
    let low = 0;
    let high = this.#used - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ticketAt(middle) < ticket) low = middle + 1;
      else high = middle;
    }
    const slot = this.#slot(low);
    this.#waiters[slot] = undefined;
    this.takenSinceMillis = this.#sinces[slot] as number;
    this.length--;
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#tickets.length - 1);
  }

  #ticketAt(index: number): number {
    return this.#tickets[this.#slot(index)] as number;
  }

  /** Compacts the ring; doubles it if it is more than half full. */
  #resize(): void {
    const size = this.#tickets.length;
    const waiters = this.#waiters;
    const tickets = this.#tickets;
    const sinces = this.#sinces;
    const head = this.#head;

    const next = this.length > size / 2 ? size * 2 : size;
    this.#waiters = new Array(next);
    this.#tickets = new Array(next).fill(0);
    this.#sinces = new Array(next).fill(0);
    this.#head = 0;
    this.#used = 0;
    for (let index = 0; index < size; index++) {
      const slot = (head + index) & (size - 1);
      if (waiters[slot] === undefined) continue;
      this.#waiters[this.#used] = waiters[slot];
      this.#tickets[this.#used] = tickets[slot] as number;
      this.#sinces[this.#used] = sinces[slot] as number;
      this.#used++;
    }
  }
}
