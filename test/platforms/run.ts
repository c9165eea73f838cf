// Runs the program of `program` on all platforms, with the packages as they would be published:
// `npm run test:platforms [part of a name ...]`. Prints what failed; the last line says how many passed.
import { availableParallelism } from 'node:os';
import { closeBrowser } from './pages.ts';
import { type Platform, platforms } from './platforms.ts';
import { installTools, makeProject, type Project } from './prepare.ts';
import { untestedRows } from './table.ts';

const wanted = process.argv.slice(2);
const chosen = platforms.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);

async function runOn(platform: Platform, project: Project): Promise<boolean> {
  const began = performance.now();
  const faults = await platform
    .faults(project)
    .catch((error) => [error instanceof Error ? error.message : String(error)]);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${platform.name} (${seconds} s)`);
  for (const fault of faults) console.log(fault.slice(0, 4000).replace(/^/gm, '       '));
  return faults.length === 0;
}

const untested = untestedRows(platforms.map(({ name }) => name));
if (untested.length > 0) throw new Error(`README: nothing tests the rows ${untested.join(', ')}`);

const made = await makeProject(installTools());
let passed = 0;
try {
  const waiting = [...chosen];
  const worker = async () => {
    for (let it = waiting.shift(); it !== undefined; it = waiting.shift()) {
      if (await runOn(it, made)) passed++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
} finally {
  await closeBrowser();
  made.remove();
}
const failed = chosen.length - passed;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
