import { nodeResolve } from '@rollup/plugin-node-resolve';
import { rollup } from 'rollup';

const [, , form] = process.argv;
const forms = {
  node: { input: { main: 'bundled.mjs', worker: 'worker.mjs' }, browser: false },
  web: { input: { main: 'bundled-browser.mjs', worker: 'worker.mjs' }, browser: true },
};
const { input, browser } = forms[form];
const built = await rollup({
  input,
  external: [/^node:/, /^@bytecodealliance\//],
  plugins: [nodeResolve({ browser })],
  onLog(level, log) {
    if (level !== 'warn' || /guests\/adder/.test(log.message + log.id)) return; // what jco wrote
    console.error(log.message);
    process.exitCode = 1;
  },
});
await built.write({ dir: `out/rollup-${form}`, entryFileNames: '[name].mjs' });
