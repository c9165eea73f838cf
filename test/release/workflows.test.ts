import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

interface Workflow {
  readonly jobs: Record<string, { readonly steps: readonly { readonly run?: string }[] }>;
}

test.each(globSync('.github/workflows/*.yml', { cwd: root }))(
  '%s runs scripts and tests that there are',
  (path) => {
    const { jobs } = parse(read(path)) as Workflow;
    const commands = Object.values(jobs).flatMap(({ steps }) =>
      steps.flatMap(({ run }) => run ?? []),
    );
    expect(commands).toContain('.ci/run');
    for (const command of commands) {
      for (const [, name = ''] of command.matchAll(/npm run ([\w:]+)/g)) {
        expect(Object.keys(scripts), command).toContain(name);
      }
      const files = command.match(/(?<=\s)(?:test|node_modules)\/[\w./-]+(?=\s|$)/g) ?? [];
      for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
    }
  },
);

test('the forms for issues have the fields that they need', () => {
  const forms = globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root }).filter(
    (path) => !path.endsWith('config.yml'),
  );
  expect(forms.length).toBe(2);
  for (const path of forms) {
    const form = parse(read(path));
    expect([typeof form.name, typeof form.description], path).toEqual(['string', 'string']);
    for (const { type, attributes, id } of form.body) {
      expect(['textarea', 'input'], path).toContain(type);
      expect(
        [attributes.label, id].map((it) => typeof it),
        path,
      ).toEqual(['string', 'string']);
    }
  }
  const { contact_links: links } = parse(read('.github/ISSUE_TEMPLATE/config.yml'));
  expect(JSON.stringify(links)).toMatch(/SECURITY\.md/);
});
