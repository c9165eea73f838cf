/** Sleeps for a microsecond: that is less than a turn of the event loop, which is the least there is. */
export const sleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
