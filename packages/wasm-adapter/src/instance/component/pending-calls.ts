/** The calls of one instance that have not been answered, so that none waits for ever. */
export class PendingCalls {
  readonly #rejects = new Set<(error: unknown) => void>();

  /** Adds a call. Returns what is to be called once it has been answered. */
  add(reject: (error: unknown) => void): () => void {
    this.#rejects.add(reject);
    return () => this.#rejects.delete(reject);
  }

  /** Rejects all calls that are pending. */
  rejectAll(error: unknown): void {
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }
}
