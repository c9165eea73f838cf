#!/usr/bin/env node
// `npx wasm-pool COMMAND …`: a command is one line here, and a file beside this one.
import { OptionError } from '@wasm-pool/core';
import { WasmError } from '../errors.js';

/** Carries a command out. Resolves with the exit code of the process. */
export type CliCommand = (args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, () => Promise<{ command: CliCommand; usage: string }>>> = {
  run: () => import('./run.js'),
  serve: () => import('./serve.js'),
  snapshot: () => import('./snapshot.js'),
};

const [name = 'help', ...args] = process.argv.slice(2);
const load = Object.hasOwn(commands, name) ? commands[name] : undefined;

if (load !== undefined) {
  try {
    process.exitCode = await (await load()).command(args);
  } catch (error) {
    const known = error instanceof WasmError || error instanceof OptionError;
    const isUsage = error instanceof TypeError && 'code' in error;
    if (!known && !isUsage) throw error;
    console.error(`wasm-pool ${name}: ${error.message}`);
    process.exitCode = isUsage ? 2 : 1;
  }
} else {
  const usages = await Promise.all(Object.values(commands).map(async (it) => (await it()).usage));
  const text = `usage:\n${usages.map((usage) => `  wasm-pool ${usage}`).join('\n')}`;
  if (name === 'help' || name === '--help') console.log(text);
  else {
    console.error(`wasm-pool: there is no command ${name}\n${text}`);
    process.exitCode = 2;
  }
}
