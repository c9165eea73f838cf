// npm run bench                       measures everything, and saves it as what the README states
// npm run bench -- core               one part
// npm run bench -- core --compare     compares its ratios with those saved, and saves nothing
import { begin, compare, printMachine, save } from './report.ts';

const parts = [
  'core',
  'wasm',
  'wazero',
  'workers',
  'strategies',
  'latency',
  'memory',
  'startup',
  'http',
  'components',
  'component-http',
];
const comparing = process.argv.includes('--compare');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = wanted.find((name) => !parts.includes(name));
if (unknown !== undefined) {
  throw new TypeError(`bench: there is no part ${unknown}; accepted: ${parts.join(', ')}`);
}
printMachine();
for (const part of wanted.length > 0 ? wanted : parts) {
  begin(part);
  await import(`./${part}.ts`);
}
if (!comparing) await save();
else if (!(await compare())) process.exitCode = 1;
