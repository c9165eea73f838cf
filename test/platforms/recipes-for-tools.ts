// The recipes of docs/bundlers.md for tools that run on a server, followed to the end.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wat } from '../helpers/wat.ts';
import type { Project } from './prepare.ts';
import { texts } from './program/modules.ts';
import { run, startServer } from './programs.ts';
import { writeRecipe } from './recipes.ts';

/** A recipe that is followed. */
export interface Recipe {
  readonly name: string;
  /** Rejects where it does not lead to a result. */
  follow(project: Project, timeoutMillis: number): Promise<void>;
}

/** A folder with a module that computes, its tasks, and these files of the page. */
function folderWith({ folder }: Project, name: string, ...files: readonly string[]): string {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(cwd, 'fib.wasm'), wat(texts.fib));
  writeRecipe(cwd, 'tasks/fib.js', ...files);
  return cwd;
}

const tool = ({ tools }: Project, path: string) => join(tools, 'node_modules', path);
const nodeOf = (project: Project) => tool(project, 'node-26/bin/node');

const nitro: Recipe = {
  name: 'Nitro',
  async follow(project, timeoutMillis) {
    const cwd = folderWith(project, 'nitro', 'routes/fib.js', 'nitro.config.js');
    const options = { cwd, env: { PORT: '0', HOST: '127.0.0.1' }, timeoutMillis };
    const node = nodeOf(project);
    await run(node, [tool(project, 'nitro/dist/cli/index.mjs'), 'build'], options);
    const address = /on:? (http:\S+)/;
    await using server = await startServer(node, ['.output/server/index.mjs'], address, options);
    const response = await fetch(new URL('/fib?n=20', server.url));
    const text = await response.text();
    if (text !== '{"fib":6765}') throw new Error(`${text}\n${server.output}`);
  },
};

const vitest: Recipe = {
  name: 'Vitest',
  async follow(project, timeoutMillis) {
    const cwd = folderWith(project, 'vitest', 'fib.test.js');
    const args = [tool(project, 'vitest/vitest.mjs'), 'run', '--root', cwd];
    const output = await run(nodeOf(project), args, { cwd, timeoutMillis });
    if (!/Tests.*1 passed/.test(output)) throw new Error(output);
  },
};

const jest: Recipe = {
  name: 'Jest',
  async follow(project, timeoutMillis) {
    const cwd = folderWith(project, 'jest', 'fib.test.cjs');
    const args = [tool(project, 'jest/bin/jest.js'), '--rootDir', cwd];
    const output = await run(nodeOf(project), args, { cwd, timeoutMillis });
    if (!/Tests: +1 passed/.test(output)) throw new Error(output);
  },
};

export const recipes: readonly Recipe[] = [nitro, vitest, jest];
