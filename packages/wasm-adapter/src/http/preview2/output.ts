import type { MessagePort } from 'node:worker_threads';
import { builtin } from '../../platform/builtin.js';
import type { ComponentOutput } from '../http-options.js';

/** What may wait for the main thread to take it, of one thread's output. */
const MOST_BYTES = 2 ** 20;

/** Where a thread sends what its component prints. */
export interface OutputLine {
  readonly port: MessagePort;
  /** Two numbers: the bytes that wait to be taken, and those that were lost. */
  readonly counters: SharedArrayBuffer;
}

const WAITING = 0;
const LOST = 1;

type Message = Omit<ComponentOutput, 'lostBytes'>;

/** The main thread's end: gives on what arrives. */
export function receiveOutput(onOutput: (output: ComponentOutput) => void): OutputLine {
  const { MessageChannel } = builtin('node:worker_threads', 'the output of a component');
  const { port1, port2 } = new MessageChannel();
  const counters = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const cells = new Int32Array(counters);
  port1.on('message', (message: Message) => {
    Atomics.sub(cells, WAITING, message.chunk.length);
    onOutput({ ...message, lostBytes: Atomics.exchange(cells, LOST, 0) });
  });
  port1.unref();
  return { port: port2, counters };
}

/** The thread's end: a component that prints without end fills no memory, and does not wait. */
export function sendOutput({ port, counters }: OutputLine): (message: Message) => void {
  const cells = new Int32Array(counters);
  return (message) => {
    const { length } = message.chunk;
    if (Atomics.add(cells, WAITING, length) + length <= MOST_BYTES) {
      port.postMessage(message, [message.chunk.buffer]);
      return;
    }
    Atomics.sub(cells, WAITING, length);
    Atomics.add(cells, LOST, length);
  };
}
