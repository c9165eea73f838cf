import { asyncContext } from '../platform/async-context.js';

/** One loan of an instance: who has it, and whether that is over. */
export class Loan {
  /** The instance that is lent. */
  readonly instance: object;
  /** What its borrower gave along. */
  readonly context: unknown;
  /** The instance was returned, or destroyed. */
  over = false;
  /** What its borrower sees in place of the exports; let go of with the loan. */
  exports: unknown = undefined;

  constructor(instance: object, context: unknown) {
    this.instance = instance;
    this.context = context;
  }
}

const running = asyncContext<Loan>();

/** Nothing was ever run in a loan: nobody need look which it is. */
let anyRun = false;

/** Whether code can be told apart by the loan that it was started in. */
export const tellsLoansApart = running !== undefined;

/** Calls `fn` so that what it starts, and what that starts, is known to belong to a loan. */
export function runInLoan<R>(
  loan: Loan,
  fn: (...args: never[]) => R,
  ...args: readonly unknown[]
): R {
  const call = fn as (...given: unknown[]) => R;
  if (running === undefined) return call(...args);
  anyRun = true;
  return running.run(loan, call, ...args);
}

/** The loan that the running code was started in; undefined where it is not known. */
export function currentLoan(): Loan | undefined {
  return anyRun ? running?.getStore() : undefined;
}

/** Whether the running code was started in a loan of this instance that is over. */
export function isOfEarlierLoan(instance: object): boolean {
  const loan = currentLoan();
  return loan?.over === true && loan.instance === instance;
}
