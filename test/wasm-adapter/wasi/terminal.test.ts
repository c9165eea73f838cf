import { expect, test } from 'vitest';
import { TerminalFilter } from '../../../packages/wasm-adapter/src/instance/wasi/streams.js';

const shown = (...chunks: readonly (string | readonly number[])[]) => {
  const filter = new TerminalFilter();
  const parts = chunks.map((chunk) => filter.filter(Uint8Array.from(Buffer.from(chunk as string))));
  return Buffer.concat(parts).toString();
};

test.each([
  ['a sequence that clears the screen', ['\u001b[2Jtext\n'], '\ufffd[2Jtext\n'],
  ['a bell and a backspace', ['a\u0007b\u0008c'], 'a\ufffdb\ufffdc'],
  ['a control character of two bytes, of C1', ['a\u009b2Jb'], 'a\ufffd2Jb'],
  [
    'the same, in two chunks',
    [
      [0x61, 0xc2],
      [0x9b, 0x62],
    ],
    'a\ufffdb',
  ],
])('a terminal gets no control characters: %s', (_, chunks, expected) => {
  expect(shown(...(chunks as string[]))).toBe(expected);
});

test('a terminal gets tabs, line ends and all other text as they are', () => {
  expect(shown('naïve\tÂ\r\n', '日本')).toBe('naïve\tÂ\r\n日本');
});
