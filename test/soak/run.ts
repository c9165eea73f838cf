// npm run soak              ten million lends
// npm run soak -- 1000000   as many as it says
import { growth, soak } from './core.ts';

const [lends = '10000000', seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
const MIB = 2 ** 20;
const number = (value: number) => value.toLocaleString('en');

console.log(`Node.js ${process.versions.node}, ${number(Number(lends))} lends, seed ${seed}`);
const started = performance.now();
const soaked = await soak(Number(lends), 10, Number(seed), (round) =>
  console.log(`${number(round.lends)} lends: heap ${(round.heapBytes / MIB).toFixed(2)} MiB`),
);
const grown = growth(soaked);
const faults = Object.entries(soaked.faults).sort();
console.log(`${number(faults.reduce((sum, [, count]) => sum + count, 0))} faults:`);
for (const [fault, count] of faults) console.log(`  ${fault}: ${number(count)}`);
for (const wrong of soaked.wrong) console.log(`wrong: ${wrong}`);
console.log(`the heap grew by ${(grown / MIB).toFixed(2)} MiB after the first round`);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
if (grown > MIB || soaked.wrong.length > 0) process.exitCode = 1;
