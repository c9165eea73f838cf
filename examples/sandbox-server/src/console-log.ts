/** A line that a script wrote. */
export interface ConsoleLine {
  readonly level: string;
  readonly text: string;
}

/** What a line counts for at least, so that empty ones have a limit too. */
const LINE_BYTES = 16;

/** The lines that a script wrote, up to a limit. */
export class ConsoleLog {
  readonly lines: ConsoleLine[] = [];
  #left: number;

  constructor(limitBytes: number) {
    this.#left = limitBytes;
  }

  /** Whether a line of this many characters could still be taken. */
  fits(length: number): boolean {
    return length + LINE_BYTES <= this.#left;
  }

  /** Takes a line; false: it is too much. */
  add(level: string, text: string): boolean {
    this.#left -= Buffer.byteLength(text) + LINE_BYTES;
    if (this.#left < 0) return false;
    this.lines.push({ level, text });
    return true;
  }
}
