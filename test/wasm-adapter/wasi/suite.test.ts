// The public test suite of WASI preview 1: https://github.com/WebAssembly/wasi-testsuite
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectOutput, createWasmPool, type WasiOptions, WasmExit } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { type SuiteCommand, suiteCommands, writeFiles } from './suite.js';

const commands = suiteCommands();

/** Runs a command once; its exit code, and what it wrote. */
async function run({ bytes, name, args, env }: SuiteCommand, more: WasiOptions) {
  const [stdout, stderr] = [collectOutput(), collectOutput()];
  const wasi = { args: [name, ...args], env, stdout, stderr, ...more };
  let exitCode = 0;
  try {
    await using _pool = await createWasmPool(bytes, { wasi });
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof WasmExit)) throw new Error(`${String(error)}\n${stderr.text()}`);
    ({ exitCode } = cause);
  }
  return { exitCode, stdout: stdout.text() };
}

function expected({ exitCode, stdout }: SuiteCommand) {
  return { exitCode, ...(stdout !== undefined && { stdout }) };
}

test('the suite has the 72 commands of its languages', () => {
  expect(commands.length).toBe(72);
});

describe('with files in memory', () => {
  test.each(commands.map((command) => [command.name, command] as const))(
    '%s passes',
    async (_, command) => {
      const result = await run(command, { files: command.files });
      expect(result).toMatchObject(expected(command));
    },
  );
});

describe('with a folder of the host', () => {
  test.each(
    commands.filter(({ files }) => files).map((command) => [command.name, command] as const),
  )('%s passes', async (_, command) => {
    const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-suite-'));
    try {
      writeFiles(folder, command.files ?? {});
      const result = await run(command, { preopens: { '/': folder } });
      expect(result).toMatchObject(expected(command));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
