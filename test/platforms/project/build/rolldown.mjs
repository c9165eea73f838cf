import { rolldown } from 'rolldown';

const [, , form] = process.argv;
const forms = {
  node: [{ main: 'bundled.mjs', worker: 'worker.mjs' }, 'node'],
  web: [{ main: 'bundled-browser.mjs', worker: 'worker.mjs' }, 'browser'],
};
const [input, platform] = forms[form];
const built = await rolldown({
  input,
  platform,
  external: [/^@bytecodealliance\//],
  onLog(level, log) {
    if (level !== 'warn' || /guests\/adder/.test(log.message)) return; // what jco wrote
    console.error(log.message);
    process.exitCode = 1;
  },
});
await built.write({ dir: `out/rolldown-${form}`, entryFileNames: '[name].mjs' });
