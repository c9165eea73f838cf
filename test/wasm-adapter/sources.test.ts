import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { createWasmPool, type WasmSource } from '@wasm-pool/wasm-adapter';
import { afterAll, describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { ADD, type Add } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';
import { webServer } from '../helpers/web-server.js';

const add = wat(ADD);
const directory = mkdtempSync(join(tmpdir(), 'wasm-pool-sources-'));
const inDirectory = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const addFile = inDirectory('a file with spaces.wasm', add);
const htmlFile = inDirectory('page.wasm', '<!doctype html><title>Not found</title>');

const server = await webServer((request, response) => {
  const [, status = '200', type = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
  response.writeHead(Number(status), type === '' ? {} : { 'content-type': type });
  if (request.url?.includes('slow')) {
    // In pieces, so that compilation begins before all is there.
    response.write(add.subarray(0, 20));
    setTimeout(() => response.end(add.subarray(20)), 10);
  } else if (request.url?.includes('cut')) {
    response.write(add.subarray(0, 20), () => response.destroy());
  } else if (request.url?.includes('bad')) response.end('<html>no module</html>');
  else response.end(add);
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await server[Symbol.asyncDispose]();
});

const wasmResponse = (body: BodyInit, type = 'application/wasm') =>
  new Response(body, { headers: { 'content-type': type } });

function padded(): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(add.length + 20).fill(0xff);
  buffer.set(add, 7);
  return buffer;
}

function shared(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(add.length);
  new Uint8Array(buffer).set(add);
  return buffer;
}

function ofAnotherRealm(bytes: Uint8Array): ArrayBuffer {
  const buffer: ArrayBuffer = runInNewContext(`new ArrayBuffer(${bytes.length})`);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

const good: [string, () => WasmSource][] = [
  ['bytes', () => add],
  ['a Buffer', () => Buffer.from(add)],
  ['an ArrayBuffer', () => add.slice().buffer],
  ['a SharedArrayBuffer', shared],
  ['an ArrayBuffer of another realm', () => ofAnotherRealm(add)],
  ['a view of a part of a buffer', () => padded().subarray(7, 7 + add.length)],
  ['a DataView of a part of a buffer', () => new DataView(padded().buffer, 7, add.length)],
  ['a file path', () => addFile],
  ['a file: URL', () => pathToFileURL(addFile)],
  ['a file: URL as a string', () => pathToFileURL(addFile).href],
  ['an http: URL', () => new URL(server.at('/200/application%2Fwasm'))],
  ['an http: URL as a string', () => server.at('/200/application%2Fwasm')],
  ['an http: URL whose answer comes in pieces', () => server.at('/200/application%2Fwasm/slow')],
  ['a Response', () => wasmResponse(add)],
  ['a promise of a Response', () => fetch(server.at('/200/application%2Fwasm'))],
  ['a promise of bytes', () => Promise.resolve(add)],
  ['a promise of an ArrayBuffer', () => wasmResponse(add).arrayBuffer()],
  [
    'a Response whose content type is written differently',
    () => new Response(add, { headers: { 'content-type': 'Application/WASM; charset=binary' } }),
  ],
  ['a compiled module', () => new WebAssembly.Module(add)],
];

describe('a pool is made of', () => {
  test.each(good)('%s', async (_, src) => {
    await using pool = await createWasmPool<Add>(src());
    expect(pool.module).toBeInstanceOf(WebAssembly.Module);
    expect(await pool.use(({ exports }) => exports.add(20, 22))).toBe(42);
  });

  test('bytes that are written over once they are being compiled', async () => {
    const bytes = add.slice();
    const making = createWasmPool<Add>(bytes);
    await Promise.resolve();
    await Promise.resolve();
    bytes.fill(0);
    await using pool = await making;
    expect(pool.available).toBe(1);
  });
});

// What is given, the error's code, and what its message names.
const bad: [string, () => unknown, string, RegExp][] = [
  ['text', () => Buffer.from('hello, world'), 'ERR_WASM_COMPILE', /src.*text.*hello, world/],
  ['HTML', () => Buffer.from('<!DOCTYPE html><p>'), 'ERR_WASM_COMPILE', /src.*of HTML/],
  ['nothing', () => new Uint8Array(), 'ERR_WASM_COMPILE', /src.*empty/],
  [
    'half a module',
    () => add.subarray(0, 20),
    'ERR_WASM_COMPILE',
    /20 bytes that is truncated, inv/,
  ],
  [
    'a preamble cut short',
    () => add.subarray(0, 5),
    'ERR_WASM_COMPILE',
    /5 bytes that is truncated/,
  ],
  ['random bytes', () => new Uint8Array([1, 2, 3, 4]), 'ERR_WASM_COMPILE', /4 bytes.*no module/],
  ['one byte', () => Buffer.from('x'), 'ERR_WASM_COMPILE', /, 1 byte of text/],
  ['a zip archive', () => Buffer.from('PK\u0003\u0004'), 'ERR_WASM_COMPILE', /4 bytes of a zip/],
  [
    'a URL that fetch does not take',
    () => 'http://name:word@localhost/module.wasm',
    'ERR_WASM_SOURCE',
    /could not be fetched: .*credentials/,
  ],
  ['gzip', () => new Uint8Array([0x1f, 0x8b, 8, 0]), 'ERR_WASM_COMPILE', /gzip/],
  [
    'an invalid module', // the function leaves nothing for its result
    () => wat('(module (func (result i32)))'),
    'ERR_WASM_COMPILE',
    /truncated, invalid or too new.*Compiling function/,
  ],
  [
    'a component',
    () => new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]),
    'ERR_WASM_COMPONENT',
    /wasm is a component without a core module/,
  ],
  ['a file of HTML', () => htmlFile, 'ERR_WASM_COMPILE', /page\.wasm.*HTML.*doctype/],
  ['a missing file', () => '/no/such/file.wasm', 'ERR_WASM_SOURCE', /\/no\/such.*ENOENT/],
  ['a missing file: URL', () => 'file:///no/such.wasm', 'ERR_WASM_SOURCE', /\/no\/such.*ENOENT/],
  [
    'a file: URL of a host',
    () => 'file://host/a.wasm',
    'ERR_WASM_SOURCE',
    /file:\/\/host\/a.*host/,
  ],
  ['a directory', () => directory, 'ERR_WASM_SOURCE', /EISDIR/],
  ['an empty path', () => '', 'ERR_WASM_SOURCE', /could not load/],
  ['a 404', () => server.at('/404/application%2Fwasm'), 'ERR_WASM_SOURCE', /127.*404 Not Found/],
  ['a 500', () => server.at('/500/text%2Fhtml/bad'), 'ERR_WASM_SOURCE', /status 500/],
  ['HTML from the web', () => server.at('/200/text%2Fhtml/bad'), 'ERR_WASM_SOURCE', /text\/html/],
  [
    'a module as octets',
    () => server.at('/200/application%2Foctet-stream'),
    'ERR_WASM_SOURCE',
    /octet-stream; accepted: application\/wasm/,
  ],
  ['no content type', () => server.at('/200'), 'ERR_WASM_SOURCE', /content type none/],
  [
    'HTML that says it is a module',
    () => server.at('/200/application%2Fwasm/bad'),
    'ERR_WASM_COMPILE',
    /127.*of HTML/,
  ],
  ['an answer cut short', () => server.at('/200/application%2Fwasm/cut'), 'ERR_WASM_SOURCE', /127/],
  ['no server there', () => 'http://127.0.0.1:1/a.wasm', 'ERR_WASM_SOURCE', /127.*:1.*fetched/],
  [
    'a Response of text',
    () => wasmResponse('text', 'text/plain'),
    'ERR_WASM_SOURCE',
    /text\/plain/,
  ],
  ['a Response of no module', () => wasmResponse('text'), 'ERR_WASM_COMPILE', /a Response.*text/],
  ['another kind of URL', () => new URL('data:application/wasm,'), 'ERR_WASM_SOURCE', /data: URLs/],
  ['no URL at all', () => 'http://', 'ERR_WASM_SOURCE', /http:\/\/.*not a URL/],
  ['undefined', () => undefined, 'ERR_WASM_SOURCE', /Undefined.*accepted: bytes, a file path/],
  ['null', () => null, 'ERR_WASM_SOURCE', /Null.*accepted/],
  ['a number', () => 42, 'ERR_WASM_SOURCE', /Number.*accepted/],
  ['an array', () => [0, 97, 115, 109], 'ERR_WASM_SOURCE', /Array.*accepted/],
  ['an object', () => ({}), 'ERR_WASM_SOURCE', /Object.*accepted/],
  [
    'an instance',
    () => new WebAssembly.Instance(new WebAssembly.Module(add)),
    'ERR_WASM_SOURCE',
    /WebAssembly\.Instance/,
  ],
];

describe('no pool is made of', () => {
  test.each(bad)('%s', async (_, src, code, message) => {
    const error = await failure(createWasmPool(src() as WasmSource));
    expect(error).toMatchObject({ name: 'WasmError', code });
    expect(error.message).toMatch(message);
  });

  test('a Response that was read before', async () => {
    const response = wasmResponse(add);
    await response.arrayBuffer();
    const error = await failure(createWasmPool(response));
    expect(error).toMatchObject({ code: 'ERR_WASM_SOURCE' });
    expect(error.message).toContain('read before');
  });

  test('a promise that is rejected, whose own reason it gives', async () => {
    const reason = new Error('offline');
    expect(await failure(createWasmPool(Promise.reject(reason)))).toBe(reason);
  });
});
