// The program where files can be read. The results are the line of the output that begins with RESULTS.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { instantiate } from './guests/adder/adder.js';
import { runChecks } from './program/checks.js';

const folder = `${process.env.PROJECT ?? process.cwd()}/`;
const read = (name) => new Uint8Array(readFileSync(`${folder}guests/${name}`));
const atModule = { module: pathToFileURL(`${folder}program/tasks.js`) };

/** Runs the program. */
export function checkOnServer(core, adapter, tasks = atModule) {
  return runChecks({
    core,
    adapter,
    tasks,
    guests: { counter: read('counter.wasm'), asker: read('asker.wasm'), tool: read('tool.wasm') },
    folder: process.env.FOLDER,
    component: { instantiate, modules: (file) => read(`adder/${file}`) },
    componentBytes: read('adder.wasm'),
  });
}

/** Runs the program, prints the results and lets the process end. */
export async function runOnServer(core, adapter, tasks) {
  const results = await checkOnServer(core, adapter, tasks);
  console.log(`RESULTS ${JSON.stringify(results)}`);
  // Bun cannot end a guest that loops, and waits for its thread.
  if ('Bun' in globalThis) process.exit();
}
