/**
 * The tasks of a component that have not ended. A task may answer its caller and go on: the component
 * model has returning and ending apart (Component Model, Async.md: "Returning").
 */
export class RunningTasks {
  #running = 0;
  #over = () => {};

  get running(): number {
    return this.#running;
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    this.#running--;
    if (this.#running === 0) this.#over();
  }

  /** One of them trapped: nobody need wait for the others. */
  fail(): void {
    this.#over();
  }

  /** Resolves once all have ended, one has trapped, or so much time has passed. */
  allEnded(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis);
      this.#over = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
