import { describe, expect, test } from 'vitest';
import { Exchange } from '../../packages/wasm-adapter/src/http/preview2/exchange.js';
import { Fields } from '../../packages/wasm-adapter/src/http/preview2/fields.js';
import {
  after,
  InputStream,
  OutputStream,
  Pollable,
  poll,
} from '../../packages/wasm-adapter/src/http/preview2/io.js';
import { IncomingRequest } from '../../packages/wasm-adapter/src/http/preview2/types.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const tagOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { payload?: { tag: string } }).payload?.tag ?? 'a trap';
  }
  return undefined;
};

describe('the fields of preview 2', () => {
  test.each([utf8('日本'), Uint8Array.of(0x4a, 0xf6, 0x72, 0x67), utf8('plain')])(
    'of a request have the bytes %o, and cannot be changed',
    (value) => {
      const { port1 } = new MessageChannel();
      const bell = new Int32Array(new SharedArrayBuffer(4));
      const head = {
        method: 'PURGE',
        path: '/',
        scheme: 'http',
        authority: 'x',
        headers: [['x-name', value]] as [string, Uint8Array<ArrayBuffer>][],
        body: new Uint8Array(),
      };
      const exchange = new Exchange(head, port1 as never, bell);
      const request = new IncomingRequest(head, exchange);
      expect(request.method()).toEqual({ tag: 'other', val: 'PURGE' });
      const fields = request.headers();
      expect(fields.get('X-Name')).toEqual([value]);
      for (const change of [
        () => fields.append('a', utf8('b')),
        () => fields.set('a', [utf8('b')]),
        () => fields.delete('x-name'),
      ]) {
        expect(tagOf(change)).toBe('immutable');
      }
      const copy = fields.clone();
      copy.set('x-name', [utf8('other')]);
      expect(fields.get('x-name')).toEqual([value]);
      exchange.close();
    },
  );

  test('that a component makes are checked', () => {
    const fields = new Fields();
    expect(tagOf(() => fields.append('a b', utf8('c')))).toBe('invalid-syntax');
    expect(tagOf(() => fields.append('a', utf8('b\r\nc: d')))).toBe('invalid-syntax');
    expect(tagOf(() => fields.append('a', utf8(' b')))).toBe('invalid-syntax');
    expect(tagOf(() => fields.append('Transfer-Encoding', utf8('gzip')))).toBe('forbidden');
    expect(tagOf(() => Fields.fromList([['host', utf8('x')]]))).toBe('forbidden');
    fields.append('X-A', utf8('1'));
    fields.append('x-a', utf8('2'));
    expect(fields.entries().map(([name]) => name)).toEqual(['X-A', 'x-a']);
    expect(fields.get('x-A')).toHaveLength(2);
    fields.delete('X-a');
    expect(fields.has('x-a')).toBe(false);
  });
});

describe('the streams of preview 2', () => {
  test('permit what check-write says, and trap beyond', () => {
    const put: number[] = [];
    const stream = new OutputStream({
      room: () => 10,
      put: (bytes) => put.push(bytes.length),
      flush() {},
    });
    expect(tagOf(() => stream.write(new Uint8Array(1)))).toBe('a trap');
    expect(stream.checkWrite()).toBe(10n);
    stream.write(new Uint8Array(4));
    expect(tagOf(() => stream.write(new Uint8Array(7)))).toBe('a trap');
    expect(tagOf(() => stream.writeZeroes(100_000_000_000n))).toBe('a trap');
    stream.blockingWriteZeroesAndFlush(25n);
    expect(put).toEqual([4, 10, 10, 5]);
  });

  test('are closed at their end, and say so to writers', () => {
    const chunks = [new Uint8Array(3)];
    const input = new InputStream({
      waits: 'body',
      take: () => chunks.shift(),
      isReady: () => true,
    });
    expect(input.blockingRead(10n)).toHaveLength(3);
    expect(tagOf(() => input.read(10n))).toBe('closed');
    const output = new OutputStream({ room: () => undefined, put() {}, flush() {} });
    expect(tagOf(() => output.checkWrite())).toBe('closed');
    expect(tagOf(() => output.blockingWriteAndFlush(utf8('a')))).toBe('closed');
  });

  test('can be polled together with clocks', () => {
    const never = new Pollable(() => false);
    expect([...poll([never, after(5), after(100_000)])]).toEqual([1]);
    expect([...poll([new Pollable(() => true), never, after(0)])]).toEqual([0, 2]);
    expect(tagOf(() => poll([]))).toBe('a trap');
  });
});
