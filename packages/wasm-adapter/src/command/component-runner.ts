import { OptionError } from '@wasm-pool/core';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import type { WasiOptions } from '../instance/wasi/options.js';
import { checkWasmOptions, type WasmPoolOptions } from '../pool/options.js';
import { startPool } from '../pool/start-pool.js';
import { makeProgram } from '../program.js';
import type { Loaded } from '../wasm-source.js';
import type { sortOptions } from './command-options.js';
import { assertComponentCommand, ComponentWorld, runOnComponent } from './run-on-component.js';
import { type Runner, runOnBorrowed } from './runner.js';

/** What commands that are core modules can be given, and components cannot. */
const ofModules = ['files', 'cwd', 'clock', 'random', 'maxFilesBytes'] as const;

/** Runs commands that are components: each has an instance to itself, which was made ahead. */
export async function componentRunner(
  loaded: Loaded,
  { name, pool, preinitialize, threads, shared }: ReturnType<typeof sortOptions>,
): Promise<Runner> {
  const where = 'createWasmCommandPool';
  if (preinitialize !== undefined) throw notForComponents(where, 'preinitialize');
  if (threads !== undefined) throw notForComponents(where, 'threads');
  const preopens = preopensOf(where, shared);
  const worlds = new Map<number, ComponentWorld>();
  const options: WasmPoolOptions = {
    ...pool,
    reset: 'fresh',
    wasi: ({ id }) => {
      const world = new ComponentWorld({ ...shared, args: [name] }, preopens);
      worlds.set(id, world);
      return world.wasi;
    },
  };
  checkWasmOptions(where, options);
  const made = await startPool(await makeProgram(loaded, options), options);
  made.on('destroy', ({ id }) => worlds.delete(id));
  try {
    await made.use(({ exports }) => assertComponentCommand(exports, name));
  } catch (error) {
    await made.close();
    throw error;
  }
  return {
    suspends: false,
    pool: made,
    run: (world, limits) =>
      runOnBorrowed(made, name, world, limits, ({ id, exports }, run) => {
        preopensOf(`${name}: run`, { ...run, preopens: undefined });
        return { end: runOnComponent(exports, worlds.get(id) as ComponentWorld, run), stop() {} };
      }),
  };
}

/** The folders of a pool. Throws an `OptionError` for what a component cannot be given. */
function preopensOf(where: string, world: WasiOptions): ComponentWasiOptions['preopens'] {
  for (const option of ofModules) {
    if (world[option] !== undefined) throw notForComponents(where, option);
  }
  const folders = Object.entries(world.preopens ?? {}).map(([as, given]) => {
    if (typeof given === 'string') return [as, given] as const;
    if (given.readOnly) throw notForComponents(where, 'a folder of preopens that is readOnly');
    return [as, given.path] as const;
  });
  return folders.length === 0 ? undefined : Object.fromEntries(folders);
}

function notForComponents(where: string, what: string): OptionError {
  return new OptionError(
    `${where}: the program is a component, and ${what} is given; accepted for one: args, env, stdin, stdout, stderr, and folders in the pool's preopens`,
  );
}
