// One contract for both file systems: files in memory, and folders of the host.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  existsSync,
  linkSync,
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
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Filetype } from '../../../packages/wasm-adapter/src/instance/wasi/abi.js';
import { Errno, errnoOf } from '../../../packages/wasm-adapter/src/instance/wasi/errno.js';
import type { WasiFolder } from '../../../packages/wasm-adapter/src/instance/wasi/files.js';
import { openHostFolder } from '../../../packages/wasm-adapter/src/instance/wasi/host-files.js';
import { MemoryFiles } from '../../../packages/wasm-adapter/src/instance/wasi/memory-files.js';
import { walk } from '../../../packages/wasm-adapter/src/instance/wasi/paths.js';

let outside: string;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'wasm-pool-files-'));
  mkdirSync(join(outside, 'inside'));
  writeFileSync(join(outside, 'secret'), 'the host only');
});
afterEach(() => rmSync(outside, { recursive: true }));

/** A file system of the host without paths for descriptors, as elsewhere than on Linux. */
const elsewhere: typeof fs = {
  ...fs,
  statSync: ((path: string, ...rest: never[]) => {
    if (String(path).startsWith('/proc/')) throw new Error('there is no /proc');
    return fs.statSync(path, ...rest);
  }) as typeof fs.statSync,
};

const kinds: [string, () => WasiFolder][] = [
  ['files in memory', () => new MemoryFiles(2 ** 20, () => 1n).root()],
  ['a folder of the host', () => openHostFolder(fs, join(outside, 'inside'))],
  ['a folder of the host by paths', () => openHostFolder(elsewhere, join(outside, 'inside'))],
];

const read = { read: true, write: false, create: false, exclusive: false, truncate: false };
const make = { ...read, write: true, create: true };

/** The error number of what throws. */
function errno(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    return errnoOf(error);
  }
  return Errno.success;
}

function write(folder: WasiFolder, name: string, content: string): void {
  const file = folder.openFile(name, make);
  file.write(Buffer.from(content), 0);
  file.close();
}

function contentOf(folder: WasiFolder, name: string): string {
  const file = folder.openFile(name, read);
  const bytes = Buffer.alloc(file.sizeBytes());
  file.read(bytes, 0);
  file.close();
  return bytes.toString();
}

/** The content of the file at the end of a path. */
const at = (folder: WasiFolder, path: string) =>
  walk(folder, path, true, (end) => contentOf(end.folder, end.name ?? '.'));

describe.each(kinds)('%s', (_, open) => {
  let root: WasiFolder;
  beforeEach(() => {
    root = open();
  });
  afterEach(() => root.close());

  test('keep what is written, where it is written', () => {
    const file = root.openFile('file', make);
    expect(file.write(Buffer.from('hello'), 3)).toBe(5);
    expect(file.sizeBytes()).toBe(8);
    const bytes = Buffer.alloc(20, 'x');
    expect(file.read(bytes, 1)).toBe(7);
    expect(bytes.toString('latin1', 0, 8)).toBe('\0\0hellox');
    expect(file.read(bytes, 8)).toBe(0);
    file.setSize(4);
    file.setSize(6);
    expect(file.read(bytes, 0)).toBe(6);
    expect(bytes.toString('latin1', 0, 6)).toBe('\0\0\0h\0\0');
    expect(file.stat()).toMatchObject({ size: 6n, type: Filetype.file, nlink: 1n });
    file.close();
  });

  test('have folders, links and names', () => {
    root.makeFolder('a');
    const a = root.openFolder('a');
    write(a, 'one', '1');
    a.link('one', root, 'two');
    root.symlink('a/one', 'three');
    expect(
      root
        .entries()
        .map(({ name, type }) => [name, type])
        .sort(),
    ).toEqual([
      ['a', Filetype.folder],
      ['three', Filetype.link],
      ['two', Filetype.file],
    ]);
    expect(root.readLink('three')).toBe('a/one');
    expect(root.lstat('two')).toMatchObject({ nlink: 2n, ino: a.lstat('one')?.ino });
    expect(root.lstat('none')).toBeUndefined();
    root.rename('two', a, 'one');
    a.rename('one', root, 'four');
    expect(contentOf(root, 'four')).toBe('1');
    a.close();
  });

  test('say why something cannot be done', () => {
    root.makeFolder('a');
    write(root, 'file', 'text');
    root.symlink('file', 'link');
    const a = root.openFolder('a');
    write(a, 'in', '');
    const link = errno(() => root.openFolder('link'));
    expect([Errno.loop, Errno.notFolder]).toContain(link);
    expect({
      makeFolder: errno(() => root.makeFolder('a')),
      removeFull: errno(() => root.removeFolder('a')),
      openNone: errno(() => root.openFile('none', read)),
      openLink: errno(() => root.openFile('link', read)),
      openFolder: errno(() => root.openFile('a', read)),
      exclusive: errno(() => root.openFile('file', { ...make, exclusive: true })),
      fileAsFolder: errno(() => root.openFolder('file')),
      readLink: errno(() => root.readLink('file')),
      linkThere: errno(() => root.link('file', root, 'link')),
      renameOver: errno(() => root.rename('file', root, 'a')),
      intoItself: errno(() => root.rename('a', a, 'b')),
      long: errno(() => root.makeFolder('n'.repeat(300))),
    }).toEqual({
      makeFolder: Errno.exists,
      removeFull: Errno.notEmpty,
      openNone: Errno.notThere,
      openLink: Errno.loop,
      openFolder: Errno.isFolder,
      exclusive: Errno.exists,
      fileAsFolder: Errno.notFolder,
      readLink: Errno.invalid,
      linkThere: Errno.exists,
      renameOver: Errno.isFolder,
      intoItself: Errno.invalid,
      long: Errno.nameTooLong,
    });
    a.close();
  });

  test('set times to the nanosecond', () => {
    write(root, 'file', '');
    root.setTimes('file', { atim: 1_700_000_000_123_456_789n, mtim: 1_600_000_000_000_000_001n });
    root.setTimes('file', { atim: undefined, mtim: 1_500_000_000_987_654_321n });
    expect(root.lstat('file')).toMatchObject({
      atim: 1_700_000_000_123_456_789n,
      mtim: 1_500_000_000_987_654_321n,
    });
  });

  test('are walked by paths that lead nowhere else', () => {
    root.makeFolder('a');
    const a = root.openFolder('a');
    write(a, 'file', 'found');
    a.symlink('../a/./file', 'up');
    root.symlink('a', 'folder');
    root.symlink('folder/up', 'far');
    root.symlink('loop', 'loop');
    root.symlink('../secret', 'out');
    root.symlink('a/../../secret', 'roundabout');
    for (const path of ['a/file', './a//file', 'a/../a/file', 'folder/file', 'far', 'a/up']) {
      expect(at(root, path), path).toBe('found');
    }
    const refused = [
      '../secret',
      '/etc/hostname',
      'a/../../secret',
      'out',
      'roundabout',
      'folder/../../secret',
    ];
    for (const path of refused)
      expect(
        errno(() => at(root, path)),
        path,
      ).toBe(Errno.notCapable);
    expect(errno(() => at(root, 'loop'))).toBe(Errno.loop);
    expect(errno(() => at(root, ''))).toBe(Errno.notThere);
    expect(errno(() => at(root, 'a/file/more'))).toBe(Errno.notFolder);
    a.close();
  });
});

describe('a folder of the host', () => {
  test('is left by no link that the host put there, absolute ones included', () => {
    const inside = join(outside, 'inside');
    symlinkSync(join(outside, 'secret'), join(inside, 'absolute'));
    symlinkSync('..', join(inside, 'up'));
    symlinkSync('/', join(inside, 'root'));
    const root = openHostFolder(fs, inside);
    for (const path of ['absolute', 'up/secret', 'root/etc/hostname']) {
      expect(
        errno(() => at(root, path)),
        path,
      ).toBe(Errno.notCapable);
    }
    root.close();
  });

  test.each([
    ['by its descriptor', fs],
    ['by its path', elsewhere],
  ])('that is swapped for a link while it is open leads nowhere else, %s', (_, how) => {
    const inside = join(outside, 'inside');
    mkdirSync(join(inside, 'work'));
    writeFileSync(join(inside, 'work/secret'), 'its own');
    const root = openHostFolder(how, inside);
    const seen = walk(root, 'work/secret', true, ({ folder, name }) => {
      renameSync(join(inside, 'work'), join(inside, 'gone'));
      symlinkSync(outside, join(inside, 'work'));
      try {
        return contentOf(folder, name ?? '');
      } catch (error) {
        return errnoOf(error);
      }
    });
    expect(['its own', Errno.notCapable]).toContain(seen);
    root.close();
  });

  test('in which a thread swaps a folder for a link, all the time, is never left', async () => {
    const inside = join(outside, 'inside');
    mkdirSync(join(inside, 'work'));
    writeFileSync(join(inside, 'work/secret'), 'its own');
    const words = new Int32Array(new SharedArrayBuffer(8)); // swaps so far; whether to end
    const swapper = new Worker(
      `const { workerData: { words, inside, outside } } = require('node:worker_threads');
       const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
       const [work, kept] = [inside + '/work', inside + '/kept'];
       while (Atomics.load(words, 1) === 0) {
         renameSync(work, kept);
         symlinkSync(outside, work);
         unlinkSync(work);
         renameSync(kept, work);
         Atomics.add(words, 0, 1);
       }`,
      { eval: true, workerData: { words, inside, outside } },
    );
    const ended = once(swapper, 'exit');
    const root = openHostFolder(fs, inside);
    const seen = new Map<unknown, number>();
    const note = (what: unknown) => seen.set(what, (seen.get(what) ?? 0) + 1);
    while (Atomics.load(words, 0) < 2000) {
      try {
        note(at(root, 'work/secret'));
        walk(root, 'work/made', true, ({ folder, name }) =>
          write(folder, name ?? '', 'by the guest'),
        );
      } catch (error) {
        note(errnoOf(error));
      }
    }
    Atomics.store(words, 1, 1);
    await ended;
    root.close();
    expect(existsSync(join(outside, 'made'))).toBe(false);
    const { notThere, notCapable, loop, notFolder, invalid } = Errno; // invalid: it is no link any more
    const accepted: unknown[] = ['its own', notThere, notCapable, loop, notFolder, invalid];
    for (const what of seen.keys()) expect(accepted).toContain(what);
    expect(seen.get('its own')).toBeGreaterThan(0);
    expect(seen.size).toBeGreaterThan(1); // it did meet a swap
  });

  test('has no pipe opened, which would block the thread', () => {
    const inside = join(outside, 'inside');
    execFileSync('mkfifo', [join(inside, 'pipe')]);
    const root = openHostFolder(fs, inside);
    expect(errno(() => root.openFile('pipe', read))).toBe(Errno.notSupported);
    root.close();
  });

  test('is not truncated through a hard link that is a link by then', () => {
    const inside = join(outside, 'inside');
    linkSync(join(outside, 'secret'), join(inside, 'hard'));
    const root = openHostFolder(fs, inside);
    root.symlink('../secret', 'soft');
    expect(errno(() => root.openFile('soft', { ...make, truncate: true }))).toBe(Errno.loop);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('the host only');
    root.close();
  });
});

describe('files in memory', () => {
  test('have no room beyond what they may take, and get it back', () => {
    const files = new MemoryFiles(10_000, () => 1n);
    const root = files.root();
    const file = root.openFile('file', make);
    expect(errno(() => file.write(new Uint8Array(20_000), 0))).toBe(Errno.noSpace);
    expect(errno(() => file.setSize(2 ** 40))).toBe(Errno.noSpace);
    file.write(new Uint8Array(8000), 0);
    expect(errno(() => root.openFile('other', make).write(new Uint8Array(3000), 0))).toBe(
      Errno.noSpace,
    );
    root.removeFile('file');
    expect(errno(() => root.openFile('other', make).write(new Uint8Array(3000), 0))).toBe(0);
    const many = () => {
      for (let index = 0; index < 100; index++) root.makeFolder(`folder ${index}`);
    };
    expect(errno(many)).toBe(Errno.noSpace);
  });

  test('go back to what they were, links, names and times included', () => {
    let now = 1n;
    const files = new MemoryFiles(2 ** 20, () => now);
    files.add({ '/a/one': 'first', '/a/two': 'second', '/empty/': '' }, 'test');
    const root = files.root();
    const shape = () => {
      const visit = (folder: WasiFolder): unknown =>
        folder
          .entries()
          .map(({ name, type }) => [
            name,
            folder.lstat(name),
            type === Filetype.folder ? visit(folder.openFolder(name)) : contentOf(folder, name),
          ]);
      return visit(root);
    };
    const before = shape();
    files.snapshot();
    for (let round = 0; round < 2; round++) {
      now++;
      const a = root.openFolder('a');
      write(a, 'one', 'changed, and longer');
      a.removeFile('two');
      a.rename('one', root, 'moved');
      root.removeFolder('empty');
      write(root, 'empty', 'a file now');
      expect(shape()).not.toEqual(before);
      files.restore();
      expect(shape()).toEqual(before);
    }
    expect(existsSync('/moved')).toBe(false);
  });
});
