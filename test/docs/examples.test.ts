import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = globSync('examples/*', { cwd: root }).filter((it) =>
  existsSync(join(root, it, 'src/main.ts')),
);

test('npm start lists each example, with the line of its README that says what it shows', () => {
  const list = execFileSync(process.execPath, [join(root, 'scripts/list-examples.ts')], {
    encoding: 'utf8',
  });
  expect(folders.length).toBeGreaterThan(4);
  for (const folder of folders) {
    const [line = ''] = readFileSync(join(root, folder, 'README.md'), 'utf8').split('\n', 1);
    expect(line).toMatch(/^Shows how to .*\.$/);
    expect(list).toContain(line);
  }
});

test.each(folders)('%s starts, reads its environment and ends as the others do', (folder) => {
  const main = readFileSync(join(root, folder, 'src/main.ts'), 'utf8');
  expect(main).toContain("from 'example-shared'");
  expect(main).not.toContain('process.on');
  const config = readFileSync(join(root, folder, 'src/config.ts'), 'utf8');
  expect(config).toContain('readEnvironment(');
});
