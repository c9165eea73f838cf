// The program on a page: the results are `window.results`.
import { instantiate } from './guests/adder/adder.js';
import { runChecks } from './program/checks.js';

const read = async (name) => new Uint8Array(await (await fetch(`/guests/${name}`)).arrayBuffer());

export async function runOnPage(core, adapter, tasks) {
  window.results = await runChecks({
    core,
    adapter,
    tasks,
    guests: {
      counter: await read('counter.wasm'),
      asker: await read('asker.wasm'),
      tool: await read('tool.wasm'),
    },
    component: { instantiate, modules: (file) => read(`adder/${file}`) },
    componentBytes: await read('adder.wasm'),
  });
}
