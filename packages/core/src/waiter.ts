/**
 * A waiting acquire, as the function that settles its promise. The pool calls it once, with a
 * resource or with a rejected promise. Keeping the promise's `reject` too would cost every waiter
 * memory that few of them need.
 */
export type Waiter<T> = (outcome: T | Promise<never>) => void;
