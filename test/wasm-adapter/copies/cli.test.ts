// `npx wasm-pool snapshot`, as a function of its arguments.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { afterAll, expect, test, vi } from 'vitest';
import { command } from '../../../packages/wasm-adapter/src/cli/snapshot.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);
const write = (name: string, content: string | Uint8Array) => writeFileSync(path(name), content);

write(
  'guest.wasm',
  wat(`(module (import "host" "seed" (func $seed (result i32))) (global $g (mut i32) (i32.const 0))
    (func (export "load") (global.set $g (call $seed)))
    (func (export "get") (result i32) (global.get $g)))`),
);
write(
  'prepare.mjs',
  `export const imports = { host: { seed: () => 5 } };
   export const preinitialize = ({ exports }) => { exports.load(); return 'prepared'; };`,
);
write('default.mjs', `export default { preinitialize: ({ exports }) => exports.load() };`);
write('nothing.mjs', `export const prepare = () => 1;`);
write('fails.mjs', `export const preinitialize = () => { throw new Error('no library'); };`);

/** The lines on standard error. */
async function run(...args: string[]): Promise<string> {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await command(args)).toBe(0);
    return said.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    said.mockRestore();
  }
}

test('writes a snapshot that a pool starts from, and says how large everything is', async () => {
  const output = path('guest.snapshot');
  const said = await run(path('guest.wasm'), '--preinitialize', path('prepare.mjs'), '-o', output);
  expect(said).toMatch(/guest\.wasm: a module of \d+ bytes\n/);
  expect(said).toMatch(/prepare\.mjs: prepared in \d+ ms\n/);
  expect(said).toMatch(/guest\.snapshot: a snapshot of \d+ bytes\n/);
  const seen: unknown[] = [];
  await using pool = await createWasmPool<{ get(): number }>(path('guest.wasm'), {
    snapshot: output,
    imports: { host: { seed: () => 9 } },
    onCreate: (_, prepared) => void seen.push(prepared),
  });
  expect(await pool.use(({ exports }) => exports.get())).toBe(5);
  expect(seen).toEqual(['prepared']);
});

test.each([
  [[], /no module is given/],
  [['a.wasm', 'b.wasm'], /b\.wasm is given beside a\.wasm/],
  [['a.wasm', '-o', 'x'], /--preinitialize is not given/],
  [['a.wasm', '--preinitialize', 'x.js'], /--output \(-o\) is not given/],
  [['there-is-none.wasm', '-p', 'x.js', '-o', 'x'], /there-is-none\.wasm could not be read/],
])('refuses %j', async (args, message) => {
  const error = await failure(command(args));
  expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
  expect(error.message).toMatch(message);
});

test('leaves no file where nothing can be prepared', async () => {
  const output = path('none.snapshot');
  const wasm = path('guest.wasm');
  const quiet = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const nothing = await failure(command([wasm, '-p', path('nothing.mjs'), '-o', output]));
  expect(nothing.message).toMatch(
    /nothing\.mjs exports prepare; accepted: a function preinitialize/,
  );
  const unlinked = await failure(command([wasm, '-p', path('default.mjs'), '-o', output]));
  expect(unlinked).toMatchObject({ code: 'ERR_WASM_LINK' });
  write('ok.wasm', wat('(module)'));
  const failed = await failure(command([path('ok.wasm'), '-p', path('fails.mjs'), '-o', output]));
  expect(failed.message).toBe('no library');
  expect(existsSync(output)).toBe(false);
  quiet.mockRestore();
});
