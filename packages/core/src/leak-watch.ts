import type { Entry } from './entry.js';
import { backgroundTimer, outsideRequests } from './runtime.js';

/** Remembers where each loan was acquired, and tells of those that last too long, once each. */
export class LeakWatch<T> {
  readonly #millis: number;
  readonly #report: (entry: Entry<T>, acquiredAt: string | undefined) => void;
  readonly #loans = new Map<Entry<T>, { acquired: Error; timer: NodeJS.Timeout }>();

  constructor(millis: number, report: (entry: Entry<T>, acquiredAt: string | undefined) => void) {
    this.#millis = millis;
    this.#report = report;
  }

  /** @param acquired made where the borrower called, for its stack */
  watch(entry: Entry<T>, acquired: Error): void {
    const report = () => this.#report(entry, acquired.stack);
    this.#loans.set(entry, {
      acquired,
      timer: outsideRequests(() => backgroundTimer(report, this.#millis)),
    });
  }

  forget(entry: Entry<T>): void {
    clearTimeout(this.#loans.get(entry)?.timer);
    this.#loans.delete(entry);
  }

  acquiredAt(entry: Entry<T>): string | undefined {
    return this.#loans.get(entry)?.acquired.stack;
  }
}
