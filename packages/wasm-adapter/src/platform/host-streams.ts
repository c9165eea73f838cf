import { builtin } from './builtin.js';
import { blockFor } from './sleep.js';

/** How long to wait before a descriptor that does not block is tried again. */
const RETRY_MILLIS = 5;

/** Looked up once: that costs more than a write does. */
let found: typeof import('node:fs') | undefined;

function hostFs(): typeof import('node:fs') {
  found ??= builtin('node:fs', 'a descriptor of the process');
  return found;
}

/** Reads from a descriptor of the process, at its position. Returns how many bytes; 0 at the end. */
export function readDescriptor(descriptor: number, into: Uint8Array): number {
  const { readSync } = hostFs();
  for (;;) {
    try {
      return readSync(descriptor, into, 0, into.length, null);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return 0; // Windows, at the end of a pipe
      if (code !== 'EAGAIN') throw error;
      blockFor(RETRY_MILLIS);
    }
  }
}

/** Writes all of it to a descriptor of the process, at its position. */
export function writeDescriptor(descriptor: number, bytes: Uint8Array): void {
  const { writeSync } = hostFs();
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at, bytes.length - at, null);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EAGAIN') throw error;
      blockFor(RETRY_MILLIS);
    }
  }
}

/** Whether a descriptor of the process is a terminal. */
export function isTerminal(descriptor: number): boolean {
  return builtin('node:tty', `the descriptor ${descriptor}`).isatty(descriptor);
}
