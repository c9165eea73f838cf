// The recipe for Next.js, and the program in a route handler and on a page, by each of its bundlers.
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wat } from '../helpers/wat.ts';
import { resultsOfPage } from './pages.ts';
import { folderForGuests, type Project } from './prepare.ts';
import type { Results } from './program/checks.ts';
import { texts } from './program/modules.ts';
import { run, startServer } from './programs.ts';
import { writeRecipe } from './recipes.ts';

/** What was seen. */
export interface NextResults {
  readonly server: Results;
  /** Undefined in development. */
  readonly page: Results | undefined;
}

/** Builds and starts the application, or starts it in development. Rejects where the recipe fails. */
export async function tryNext(
  project: Project,
  bundler: 'turbopack' | 'webpack',
  mode: 'dev' | 'built' | 'dev without the recipe',
  timeoutMillis: number,
): Promise<NextResults> {
  const cwd = join(project.folder, `next-${bundler}-${mode.replaceAll(' ', '-')}`);
  const node = join(project.tools, 'node_modules/node-26/bin/node');
  const next = join(project.tools, 'node_modules/next/dist/bin/next');
  writeApplication(project, cwd);
  if (mode === 'dev without the recipe') rmSync(join(cwd, 'next.config.mjs'));
  const env = { NEXT_TELEMETRY_DISABLED: '1', FOLDER: folderForGuests(project), PROJECT: cwd };
  const options = { cwd, env, timeoutMillis };
  if (mode === 'built') await run(node, [next, 'build', `--${bundler}`], options);
  const start = mode === 'built' ? ['start'] : ['dev', `--${bundler}`];
  const args = [next, ...start, '--port', '0', '--hostname', '127.0.0.1'];
  await using server = await startServer(node, args, /Local:\s+(http:\S+)/, options);
  try {
    if (mode !== 'dev without the recipe') {
      const fib = await ask(`${server.url}/fib?n=20`, timeoutMillis);
      if (JSON.stringify(fib) !== '{"fib":6765}') throw new Error(`/fib: ${JSON.stringify(fib)}`);
    }
    return {
      server: (await ask(`${server.url}/checks`, timeoutMillis)) as Results,
      page: mode !== 'built' ? undefined : await resultsOfPage(`${server.url}/page`, timeoutMillis),
    };
  } catch (error) {
    throw new Error(`${error}\n${server.output.slice(-6000)}`, { cause: error });
  }
}

async function ask(url: string, timeoutMillis: number): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMillis) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

function writeApplication({ folder }: Project, cwd: string): void {
  mkdirSync(cwd);
  cpSync(join(folder, 'next'), cwd, { recursive: true });
  for (const part of ['program', 'guests']) {
    cpSync(join(folder, part), join(cwd, part), { recursive: true });
  }
  cpSync(join(folder, 'guests'), join(cwd, 'public/guests'), { recursive: true });
  for (const file of ['run-on-server.mjs', 'run-on-page.mjs', 'worker.mjs', 'package.json']) {
    copyFileSync(join(folder, file), join(cwd, file));
  }
  writeFileSync(join(cwd, 'fib.wasm'), wat(texts.fib));
  writeRecipe(cwd, 'next.config.mjs', 'app/fib/route.js', 'tasks/fib.js');
}
