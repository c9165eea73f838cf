// Prints the examples, with what each shows: npm start
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

for (const folder of globSync('examples/*', { cwd: root }).sort()) {
  const main = `node ${folder}/dist/main.js`;
  const script = Object.keys(scripts).find((name) => scripts[name]?.endsWith(main));
  if (script === undefined) continue; // what the examples share
  const [line = ''] = read(`${folder}/README.md`).split('\n', 1);
  console.log(`  npm ${script === 'start' ? 'start' : `run ${script}`}\n      ${line}`);
}
