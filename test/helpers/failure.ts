/** What a promise is rejected with. */
export async function failure(promise: PromiseLike<unknown>): Promise<Error & { code?: string }> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`it did not fail, but gave ${String(value)}`);
}
