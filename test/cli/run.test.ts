import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fixturePath } from '../helpers/fixture.js';

const main = join(import.meta.dirname, '../../packages/wasm-adapter/dist/cli.js');
const tool = fixturePath('tool.wasm');
const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function cli(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('run passes arguments, streams and the exit code on', () => {
  expect(cli(['run', tool, '--', 'echo', '--flag', 'two words'])).toEqual({
    ...{ status: 0, stdout: '--flag\ntwo words\n', stderr: '' },
  });
  expect(cli(['run', tool, 'cat'], 'typed in')).toMatchObject({ status: 0, stdout: 'typed in' });
  expect(cli(['run', tool, 'exit', '7'])).toEqual({
    ...{ status: 7, stdout: '', stderr: 'leaving with 7\n' },
  });
  expect(cli(['run', '--env', 'WHO=Ada', tool, '--', 'env', 'WHO']).stdout).toBe('Ada\n');
});

test('run gives folders of the host, and no others', () => {
  writeFileSync(join(folder, 'in.txt'), 'of the host');
  const dir = ['--dir', `/data=${folder}`];
  expect(cli(['run', ...dir, tool, 'read', '/data/in.txt']).stdout).toBe('of the host');
  expect(cli(['run', ...dir, tool, 'write', '/data/out.txt', 'made']).status).toBe(0);
  expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe('made');
  expect(cli(['run', tool, 'read', '/etc/hostname']).status).toBe(2);
});

test('run tells of a trap, and of what it cannot run', () => {
  const trap = cli(['run', tool, 'trap']);
  expect(trap.status).toBe(134);
  expect(trap.stderr).toMatch(/^about to trap\nwasm-pool run: tool.wasm: the run ended by /);
  expect(cli(['run', fixturePath('reactor.wasm')])).toMatchObject({ status: 1, stdout: '' });
  expect(cli(['run', join(folder, 'none.wasm')]).stderr).toMatch(/^wasm-pool run: .*none.wasm/);
  expect(cli(['run']).stderr).toMatch(/no module is given; accepted: run /);
  expect(cli(['run', '--bogus', tool])).toMatchObject({ status: 2 });
  expect(cli(['run', '--env', 'x', tool]).stderr).toMatch(/accepted: --env NAME=VALUE/);
});

test('run --bench prints what a pool does beside an instance for each run', () => {
  const { status, stdout } = cli(['run', '--bench', '--seconds', '0.2', tool, 'exit', '3']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^tool.wasm: exit code 3, 0 bytes of output\n/);
  expect(stdout).toMatch(/a pool +\d+ runs\/s, p50 [\d.]+ ms, p99 [\d.]+ ms\n/);
  expect(stdout).toMatch(/an instance for each run +\d+ runs\/s/);
});

test('without a command, or with one that there is none of, it says which there are', () => {
  expect(cli([])).toMatchObject({ status: 0, stdout: expect.stringContaining('wasm-pool run ') });
  const unknown = cli(['fly']);
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toMatch(/^wasm-pool: there is no command fly\nusage:\n {2}wasm-pool run/);
});
