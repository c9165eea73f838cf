import type { Entry } from './entry.js';

/**
 * The idle entries, from the longest idle to the last returned. Given to
 * generic-pool as its Deque class; every operation is O(1).
 */
export class IdleList<T> {
  length = 0;

  /** Where the iterator stands; kept here so that it never holds on to an entry that has left. */
  cursor: Entry<T> | undefined = undefined;

  /** FIFO or LIFO. Set by GenericPool, because generic-pool constructs this list. */
  fifo = true;

  #oldest: Entry<T> | undefined = undefined;
  #newest: Entry<T> | undefined = undefined;

  get oldest(): Entry<T> | undefined {
    return this.#oldest;
  }

  get newest(): Entry<T> | undefined {
    return this.#newest;
  }

  /** Adds an entry that has just become idle. */
  add(entry: Entry<T>): void {
    entry.state = 'idle';
    entry.idleSinceMillis = -1;
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.length++;
  }

  /** Puts back an entry that was taken out, in the place that it had: for as long idle as before. */
  putBack(entry: Entry<T>): void {
    const { idleSinceMillis } = entry;
    let newer = this.#oldest;
    while (newer !== undefined && isIdleLonger(newer, idleSinceMillis)) newer = newer.newer;
    const older = newer === undefined ? this.#newest : newer.older;
    entry.state = 'idle';
    entry.older = older;
    entry.newer = newer;
    if (older === undefined) this.#oldest = entry;
    else older.newer = entry;
    if (newer === undefined) this.#newest = entry;
    else newer.older = entry;
    this.length++;
  }

  /** Takes out the entry to lend next: the oldest, or without `fifo` the newest. */
  shift(): Entry<T> | undefined {
    const entry = this.fifo ? this.#oldest : this.#newest;
    if (entry !== undefined) this.remove(entry);
    return entry;
  }

  /** Takes out an entry, which is left in state `checking`. */
  remove(entry: Entry<T>): void {
    const { older, newer } = entry;
    if (this.cursor === entry) this.cursor = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    entry.older = undefined;
    entry.newer = undefined;
    entry.state = 'checking';
    this.length--;
  }

  /** The entries, the oldest first. */
  toArray(): Entry<T>[] {
    const entries: Entry<T>[] = [];
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) entries.push(entry);
    return entries;
  }

  /** generic-pool's evictor walks the list with one iterator that it keeps for good. */
  iterator(): IdleIterator<T> {
    return new IdleIterator(this);
  }
}

function isIdleLonger<T>({ idleSinceMillis }: Entry<T>, sinceMillis: number): boolean {
  return idleSinceMillis !== -1 && idleSinceMillis < sinceMillis;
}

/** Walks from the oldest entry to the newest, and goes on where it was when entries come and go. */
class IdleIterator<T> {
  readonly #list: IdleList<T>;

  constructor(list: IdleList<T>) {
    this.#list = list;
  }

  next(): { done: true } | { done: false; value: Entry<T> } {
    const list = this.#list;
    const entry = list.cursor === undefined ? list.oldest : list.cursor.newer;
    list.cursor = entry;
    return entry === undefined ? { done: true } : { done: false, value: entry };
  }

  /** Left to `_destroy`: a policy may have lent the entry that `next` gave, and got it back. */
  remove(): void {}

  /** Called at the end of the list, where `next` has left the cursor at its start. */
  reset(): void {}
}
