import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownBytes } from '../../../packages/wasm-adapter/src/worker/wire/own-bytes.js';
import {
  Bell,
  HostEnd,
  op,
  reply,
  ringMemory,
  ThreadEnd,
  word,
} from '../../../packages/wasm-adapter/src/worker/wire/ring.js';
import { SlotReader, SlotWriter } from '../../../packages/wasm-adapter/src/worker/wire/values.js';

/** Both ends of one ring. */
function ends(slots = 4) {
  const memory = ringMemory(slots, new Bell().word, false);
  return { host: new HostEnd(memory), thread: new ThreadEnd(memory, () => {}) };
}

const short = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(undefined, null, Number.NaN, -0, 2n ** 64n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('\ud800', '\udc00', 'a'), maxLength: 5 }),
  fc.uint8Array({ minLength: 1, maxLength: 30 }),
);

describe('the values of a slot', () => {
  test('are read as they were written, or refused where they do not fit', () => {
    const { host, thread } = ends();
    const [writer, reader] = [new SlotWriter(host), new SlotReader(thread)];
    let written = 0;
    fc.assert(
      fc.property(fc.array(short, { maxLength: 20 }), fc.nat(3), (values, slot) => {
        writer.begin(slot);
        const fitting: unknown[] = [];
        for (const value of values) {
          if (!writer.write(value)) break;
          fitting.push(value);
        }
        written += fitting.length;
        const read = reader.readAll(slot, fitting.length);
        expect(read).toEqual(fitting);
        expect(
          read.every(
            (value, index) => Object.is(value, fitting[index]) || typeof value === 'object',
          ),
        ).toBe(true);
      }),
    );
    expect(written).toBeGreaterThan(100);
  });

  test('leave those of other slots as they are', () => {
    const { host } = ends();
    const [writer, reader] = [new SlotWriter(host), new SlotReader(host)];
    for (const slot of [0, 1, 2, 3]) {
      writer.begin(slot);
      writer.write(`slot ${slot}`);
    }
    writer.begin(1);
    while (writer.write('x'.repeat(100)));
    expect([0, 2, 3].map((slot) => reader.readOne(slot))).toEqual(['slot 0', 'slot 2', 'slot 3']);
  });

  test.for([
    [() => {}],
    [Symbol('s')],
    [{}],
    [[]],
    [2n ** 64n],
    [-(2n ** 63n) - 1n],
    ['long'.repeat(500)],
    [new Uint8Array(2000)],
    [new Uint8Array(0)],
    [new Uint8Array(new SharedArrayBuffer(8))],
    [new Uint16Array(2)],
  ] as const)('are not %o', ([value]) => {
    const { host } = ends();
    const writer = new SlotWriter(host);
    writer.begin(0);
    expect(writer.write(value)).toBe(false);
  });

  test('that make no sense are refused, whatever a thread has written', () => {
    const { host } = ends(1);
    const reader = new SlotReader(host);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1024, maxLength: 1024 }),
        fc.integer(),
        (bytes, count) => {
          host.bytes.set(bytes, host.byteOf(0));
          try {
            expect(reader.readAll(0, count)).toHaveLength(count);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        },
      ),
    );
  });
});

type Step = 'send' | 'take' | 'run' | 'revoke' | 'receive';
const steps = fc.array(fc.constantFrom<Step>('send', 'take', 'run', 'revoke', 'receive'), {
  maxLength: 300,
});

test('a request is run or taken back, never both, and in order, however the two sides take turns', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { host, thread } = ends();
      const sent = new Map<number, number>(); // the number of the request in a slot
      const [ran, revoked, received, free]: number[][] = [[], [], [], []] as never;
      const taken: number[] = [];
      let last = 0;
      const run = (slot: number) => {
        if (!thread.claim(slot)) return thread.reply(slot, reply.returned);
        ran?.push(thread.get(slot, word.task));
        thread.reply(slot, reply.final);
      };
      const receive = () => {
        for (let left = host.replyCount; left > 0; left--) {
          const next = host.takeReply();
          const slot = next & 0xffffff;
          received?.push(sent.get(slot) as number);
          sent.delete(slot);
          host.free(slot);
          free?.push(slot);
        }
      };
      for (const step of all) {
        if (step === 'send') {
          const slot = host.allocate();
          if (slot === undefined) continue;
          expect(sent.has(slot)).toBe(false);
          host.set(slot, word.op, op.call);
          host.set(slot, word.task, ++last);
          sent.set(slot, last);
          host.offer(slot);
        } else if (step === 'take' && thread.requestCount > 0) taken.push(thread.next());
        else if (step === 'run' && taken.length > 0) run(taken.shift() as number);
        else if (step === 'revoke') {
          const [slot, number] = [...sent].at(-1) ?? [];
          if (slot !== undefined && host.revoke(slot)) revoked?.push(number as number);
        } else if (step === 'receive') receive();
      }
      while (thread.requestCount > 0) taken.push(thread.next());
      for (const slot of taken) run(slot);
      receive();
      expect(sent.size).toBe(0);
      expect([...(ran ?? []), ...(revoked ?? [])].sort((a, b) => a - b)).toEqual(
        Array.from({ length: last }, (_, index) => index + 1),
      );
      expect(ran).toEqual(ran?.toSorted((a, b) => a - b));
      expect(received).toHaveLength(last);
    }),
  );
});

describe('a view of a part of a larger buffer', () => {
  const memory = new Uint8Array(1000).fill(7).buffer;
  const part = () => new Uint8Array(memory, 10, 3);

  test.for([
    ['by itself', part()],
    ['in an array', [1, [part()]]],
    ['in an object', { deep: { er: part() } }],
    [
      'in a Map',
      new Map<unknown, unknown>([
        ['bytes', part()],
        [part(), 1],
      ]),
    ],
    ['in a Set', new Set([part()])],
    ['of another kind', new DataView(memory, 8, 16)],
    ['of halves', { halves: new Float64Array(memory, 8, 2) }],
  ] as const)('carries its own bytes alone: %s', ([, value]) => {
    const own = ownBytes(value, []);
    expect(own).toEqual(value);
    const buffers = buffersOf(structuredClone(own));
    expect(buffers.length).toBeGreaterThan(0);
    for (const buffer of buffers) expect(buffer.byteLength).toBeLessThan(100);
  });

  test('stays one object where it was one, also in a circle', () => {
    const bytes = part();
    const circle: Record<string, unknown> = { bytes, again: bytes };
    circle.self = circle;
    const own = ownBytes(circle, []) as typeof circle;
    expect(own.bytes).toBe(own.again);
    expect(own.self).toBe(own);
    expect((own.bytes as Uint8Array).buffer.byteLength).toBe(3);
  });

  test('is left alone where its buffer moves, or is shared; and nothing else is copied', () => {
    const bytes = part();
    expect(ownBytes(bytes, [memory])).toBe(bytes);
    const shared = { words: new Int32Array(new SharedArrayBuffer(64), 4, 1) };
    expect(ownBytes(shared, [])).toBe(shared);
    const plain = { whole: new Uint8Array(5), list: [1, 2], date: new Date() };
    expect(ownBytes(plain, [])).toBe(plain);
  });

  test('is found without calling an accessor', () => {
    const value = {
      bytes: part(),
      get trap(): never {
        throw new Error('called');
      },
    };
    const own = ownBytes(value, []) as typeof value;
    expect(own.bytes.buffer.byteLength).toBe(3);
    expect(() => own.trap).toThrow('called');
  });
});

function buffersOf(value: unknown): ArrayBufferLike[] {
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (value instanceof Map) return [...value].flat().flatMap(buffersOf);
  if (value instanceof Set || Array.isArray(value)) return [...value].flatMap(buffersOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(buffersOf) : [];
}
