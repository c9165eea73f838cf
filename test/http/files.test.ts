// Folders of the host that a component of preview 2 is given: what leads out of them is refused.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesystem } from '../../packages/wasm-adapter/src/http/preview2/filesystem.js';

interface Input {
  blockingRead(length: bigint): Uint8Array;
}
interface Output {
  blockingWriteAndFlush(bytes: Uint8Array): void;
}
interface Descriptor {
  openAt(at: object, path: string, how: object, flags: object): Descriptor;
  readViaStream(offset: bigint): Input;
  writeViaStream(offset: bigint): Output;
  appendViaStream(): Output;
  read(length: bigint, offset: bigint): [Uint8Array, boolean];
  readDirectory(): { readDirectoryEntry(): { type: string; name: string } | undefined };
  createDirectoryAt(path: string): void;
  unlinkFileAt(path: string): void;
  statAt(flags: object, path: string): { type: string; size: bigint };
  getType(): string;
}

const follow = { symlinkFollow: true };
const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString();

let outside: string;
let inside: string;
let instance: AbortController;
let root: Descriptor;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'wasm-pool-http-files-'));
  inside = join(outside, 'inside');
  mkdirSync(join(inside, 'folder'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'the host only');
  writeFileSync(join(inside, 'file'), 'its content');
  instance = new AbortController();
  root = openRoot();
});
afterEach(() => {
  instance.abort();
  rmSync(outside, { recursive: true });
});

function openRoot(): Descriptor {
  const { 'wasi:filesystem/preopens': preopens = {} } = filesystem(
    { '/data': inside },
    instance.signal,
  );
  const all = (preopens.getDirectories as () => [Descriptor, string][])();
  expect(all.map(([, name]) => name)).toEqual(['/data']);
  return all[0]?.[0] as Descriptor;
}

const open = (path: string, how: object = {}, flags: object = { read: true }) =>
  root.openAt(follow, path, how, flags);

/** The `error-code` that it fails with. */
function codeOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return (error as { payload?: unknown }).payload;
  }
  return 'none';
}

test('files are read and written where they are, by streams too', () => {
  expect(asText(open('file').readViaStream(4n).blockingRead(100n))).toBe('content');
  const made = open('folder/made', { create: true }, { read: true, write: true });
  made.writeViaStream(0n).blockingWriteAndFlush(Buffer.from('one'));
  made.appendViaStream().blockingWriteAndFlush(Buffer.from(' two'));
  expect(readFileSync(join(inside, 'folder/made'), 'utf8')).toBe('one two');
  expect(made.read(3n, 4n)).toEqual([new Uint8Array(Buffer.from('two')), false]);
  expect(made.read(3n, 7n)).toEqual([new Uint8Array(), true]);
  expect(root.statAt(follow, 'folder/made')).toMatchObject({ type: 'regular-file', size: 7n });
  const entries = open('folder').readDirectory();
  expect(entries.readDirectoryEntry()).toMatchObject({ type: 'regular-file', name: 'made' });
  expect(entries.readDirectoryEntry()).toBeUndefined();
});

test.each([
  ['a folder above', '../secret'],
  ['a folder above, by a detour', 'folder/../../secret'],
  ['an absolute path', '/etc/hostname'],
])('%s is not permitted, nor made there', (_, path) => {
  expect(codeOf(() => open(path))).toBe('not-permitted');
  expect(codeOf(() => open(path, { create: true }, { write: true }))).toBe('not-permitted');
  expect(codeOf(() => root.createDirectoryAt(path))).toBe('not-permitted');
  expect(codeOf(() => root.unlinkFileAt(path))).toBe('not-permitted');
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('the host only');
});

test.each([
  ['absolute', () => join(outside, 'secret')],
  ['relative', () => '../secret'],
])('a link that leads out, %s, is not followed', (_, target) => {
  symlinkSync(target(), join(inside, 'link'));
  expect(codeOf(() => open('link'))).toBe('not-permitted');
  expect(codeOf(() => open('link', { truncate: true }, { write: true }))).toBe('not-permitted');
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('the host only');
});

describe('a folder that is gone, or another one by now,', () => {
  test('is an error of its call, and no more', () => {
    const folder = open('folder', {}, { read: true, mutateDirectory: true });
    rmSync(join(inside, 'folder'), { recursive: true });
    expect(codeOf(() => folder.openAt(follow, 'made', { create: true }, { write: true }))).toBe(
      'no-entry',
    );
    expect(asText(open('file').readViaStream(0n).blockingRead(3n))).toBe('its');
  });

  test('leads nowhere else', () => {
    const folder = open('folder');
    renameSync(join(inside, 'folder'), join(inside, 'moved'));
    symlinkSync(outside, join(inside, 'folder'));
    expect(codeOf(() => folder.openAt(follow, 'secret', {}, { read: true }))).toBe('no-entry');
    expect(codeOf(() => open('folder/secret'))).toBe('not-permitted');
  });
});

test('what is open is closed with its instance', () => {
  const file = open('file');
  instance.abort();
  expect(codeOf(() => file.read(1n, 0n))).toBe('bad-descriptor');
  expect(codeOf(() => open('file'))).toBe('bad-descriptor');
  expect(existsSync(join(inside, 'file'))).toBe(true);
});
