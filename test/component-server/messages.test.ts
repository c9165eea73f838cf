import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { headersOf, rawHeaders } from '../../examples/component-server/dist/headers.js';
import { checkStatus } from '../../examples/component-server/dist/http-error.js';
import { OutgoingResponse } from '../../examples/component-server/dist/preview2-response.js';
import { shim } from '../../examples/component-server/dist/preview2-shim.js';

test('the bytes of a header are those that were sent', () => {
  const bytes = new Uint8Array([0x63, 0xc3, 0xa9, 0xff]);
  const request = { headersDistinct: { 'x-name': ['c\u00c3\u00a9\u00ff'] } };
  expect(headersOf(request as unknown as IncomingMessage)).toEqual([['x-name', bytes]]);
  expect(rawHeaders([['x-name', bytes]])).toEqual(['x-name', 'c\u00c3\u00a9\u00ff']);
});

test.each([100, 101, 600, 999])('a component cannot answer with the status %i', (status) => {
  expect(() => checkStatus(status)).toThrow(`the component answered with the status ${status}`);
  checkStatus(200);
  checkStatus(599);
});

test('an answer of preview 2 that is full says so, and not that there will be room', () => {
  const out = new OutgoingResponse(shim.Fields.fromList([])).body().write();
  expect(out.checkWrite()).toBe(16n * 2n ** 20n);
  out.write(new Uint8Array(16 * 2 ** 20));
  expect(() => out.checkWrite()).toThrow();
});
