import type { ComponentOutput } from '../http/http-options.js';

/** How a server writes its log: lines to read, JSON to process, or nothing but what a component prints. */
export type LogFormat = 'text' | 'json' | 'none';

/** The longest line of a component that is written, in characters. The rest is left out. */
const MAX_LINE = 8192;

/** How many lines that have not ended are kept: instances may be gone before they end theirs. */
const MAX_OPEN_LINES = 1000;

/** What may wait in a stream that nobody reads, before further lines are left out. */
const MAX_WAITING_BYTES = 2 ** 20;

/** An access, as the log has it. */
export interface Access {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
  readonly millis: number;
  /** Whether the answer was sent to its end. */
  readonly complete: boolean;
}

/** As much of a stream as is used. */
export interface LogStream {
  write(text: string): unknown;
  readonly writableLength: number;
}

/** Writes a server's log. Text of clients and components is escaped: it cannot make lines of its own. */
export class Log {
  readonly #format: LogFormat;
  readonly #out: LogStream;
  readonly #error: LogStream;
  readonly #now: () => string;
  /** By instance and stream: the line that has not ended yet. */
  readonly #open = new Map<
    string,
    { readonly output: ComponentOutput; text: string; readonly decoder: TextDecoder }
  >();
  #left = 0;

  constructor(
    format: LogFormat,
    out: LogStream = process.stdout,
    error: LogStream = process.stderr,
    now = () => new Date().toISOString(),
  ) {
    this.#format = format;
    this.#out = out;
    this.#error = error;
    this.#now = now;
  }

  /** Something that the server itself says. */
  say(message: string, more: Readonly<Record<string, unknown>> = {}): void {
    if (this.#format === 'json') this.#json(this.#out, { type: 'server', message, ...more });
    else this.#write(this.#out, `${message}\n`);
  }

  access({ method, path, status, bytes, millis, complete }: Access): void {
    if (this.#format === 'none') return;
    const rounded = Number(millis.toFixed(1));
    if (this.#format === 'json') {
      const request = { method, path: cut(path), status, bytes, millis: rounded, complete };
      this.#json(this.#out, { type: 'access', ...request });
      return;
    }
    const how = complete ? '' : ' cut off';
    const line = `${escaped(method)} ${escaped(cut(path))} ${status} ${bytes} B ${rounded} ms${how}`;
    this.#write(this.#out, `${line}\n`);
  }

  /** What a component has printed: each line with the name of its instance. */
  output(output: ComponentOutput): void {
    const { instance, stream, chunk, lostBytes } = output;
    if (lostBytes > 0) this.#line(output, `(${lostBytes} bytes of output were lost)`);
    const key = `${instance} ${stream}`;
    const open = this.#open.get(key) ?? { output, text: '', decoder: new TextDecoder() };
    const lines = (open.text + open.decoder.decode(chunk, { stream: true })).split('\n');
    open.text = lines.pop() ?? '';
    for (const line of lines) this.#line(output, line.replace(/\r$/, ''));
    this.#open.delete(key);
    if (open.text.length > MAX_LINE) this.#line(output, open.text);
    else if (open.text !== '') this.#open.set(key, open);
    if (this.#open.size > MAX_OPEN_LINES) this.#endOldest();
  }

  /** Writes the lines that have not ended. */
  end(): void {
    while (this.#open.size > 0) this.#endOldest();
  }

  #endOldest(): void {
    for (const [key, { output, text }] of this.#open) {
      this.#open.delete(key);
      this.#line(output, text);
      return;
    }
  }

  #line({ instance, stream }: ComponentOutput, text: string): void {
    const target = stream === 'stdout' ? this.#out : this.#error;
    if (this.#format === 'json') {
      this.#json(target, { type: 'output', instance, stream, message: cut(text) });
    } else this.#write(target, `[${instance} ${stream}] ${escaped(cut(text))}\n`);
  }

  #json(target: LogStream, entry: object): void {
    this.#write(target, `${JSON.stringify({ time: this.#now(), ...entry })}\n`);
  }

  #write(target: LogStream, line: string): void {
    if (target.writableLength > MAX_WAITING_BYTES) {
      this.#left++;
      return;
    }
    if (this.#left > 0) {
      const left = this.#left;
      this.#left = 0;
      this.say(`${left} lines of the log were left out: nobody took them`, { left });
    }
    target.write(line);
  }
}

function cut(text: string): string {
  return text.length <= MAX_LINE
    ? text
    : `${text.slice(0, MAX_LINE)}… (${text.length - MAX_LINE} more)`;
}

/** Control characters in the form that JSON has, so that no terminal obeys them. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    if (character === '\t') return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
