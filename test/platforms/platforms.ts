// The platforms and bundlers that the program is run on, and what each of them can do.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { tryNext } from './next.ts';
import { resultsOfPage, serveFolder } from './pages.ts';
import { folderForGuests, type Project } from './prepare.ts';
import type { Check, Results } from './program/checks.ts';
import { run } from './programs.ts';
import { recipes } from './recipes-for-tools.ts';
import { wrongInTable } from './table.ts';
import { compilers, typeErrors } from './types.ts';

/** The checks that end otherwise than well: what they then say is like that. */
export type Unlike = Readonly<Partial<Record<Check, RegExp>>>;

/** One way to run the program. */
export interface Platform {
  readonly name: string;
  /** What is wrong: a line for each. */
  faults(project: Project): Promise<readonly string[]>;
}

/** One that gives the program's results. */
interface Runs {
  readonly name: string;
  readonly unlike?: Unlike;
  results(project: Project): Promise<Results>;
}

function runsOn({ name, unlike, results }: Runs): Platform {
  return {
    name,
    async faults(project) {
      const found = await results(project);
      return [...faultsIn(found, unlike), ...wrongInTable(name, found)];
    },
  };
}

/** What of the results is not as expected: a line for each. */
export function faultsIn(results: Results, unlike: Unlike = {}): string[] {
  return Object.entries(results).flatMap(([check, result]) => {
    const expected = unlike[check as Check];
    const fine = expected === undefined ? result === 'ok' : expected.test(result);
    return fine ? [] : [`${check}: ${result}${expected ? ` (expected ${expected})` : ''}`];
  });
}

/** Only what hangs takes so long, on any machine. */
const TIMEOUT_MILLIS = 120_000;

const tool = (project: Project, path: string) => join(project.tools, 'node_modules', path);
const node = (version: number) => (project: Project) => tool(project, `node-${version}/bin/node`);

/** The results that a program printed. */
function resultsIn(output: string): Results {
  const line = /^RESULTS (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`no results:\n${output.slice(-6000)}`);
  return JSON.parse(line) as Results;
}

interface Server {
  readonly command: (project: Project) => string;
  readonly args: readonly string[];
  /** In a folder that has nothing but our packages. */
  readonly alone?: boolean;
}

/** The program in a process that can read files. It has to end by itself. */
async function onServer(project: Project, { command, args, alone = false }: Server) {
  const cwd = alone ? project.empty : project.folder;
  const cache = mkdtempSync(join(project.host, 'cache-')); // what another one transpiled is in its own
  const env = {
    FOLDER: folderForGuests(project),
    NO_COLOR: '1',
    PROJECT: cwd,
    XDG_CACHE_HOME: cache,
  };
  return resultsIn(await run(command(project), args, { cwd, env, timeoutMillis: TIMEOUT_MILLIS }));
}

async function onPage(project: Project, path: string, isolated: boolean): Promise<Results> {
  await using server = await serveFolder(project.folder, isolated);
  return await resultsOfPage(server.at(path), TIMEOUT_MILLIS);
}

/** Runs one of the scripts that call a bundler. What it prints is a warning, and fails. */
async function bundle(project: Project, bundler: string, form: string): Promise<void> {
  const args = ['--no-warnings', `build/${bundler}.mjs`, form];
  const options = { cwd: project.folder, timeoutMillis: TIMEOUT_MILLIS };
  const output = await run(node(26)(project), args, options);
  if (output.trim() !== '') throw new Error(`${bundler} ${form} printed:\n${output}`);
}

const noJspi = { jspi: /^ERR_WASM_JSPI/ };
const noJco = { transpiling: /^ERR_WASM_JCO/ };
const onPages = {
  folders: /^ERR_WASM_PLATFORM/,
  transpiling: /^ERR_WASM_PLATFORM.*transpiled ahead/,
};

/** Without shared memory nothing can wait for another thread. */
const onPlainPages = { ...onPages, blockingHosts: /^ERR_WASM_PLATFORM.*cross-origin isolated/ };

/** The bundlers that do not see `new URL('./file.js', import.meta.url)`: the errors say what to do. */
const withoutFiles = {
  exportsOnThreads: /^ERR_WASM_PLATFORM.*option worker/,
  transpiling: /^ERR_WASM_PLATFORM.*transpiled ahead/,
};
const withoutFilesOnPages = { exportsOnThreads: /^ERR_WASM_WORKER_EXIT.*option worker/ };

function nodes(version: number, unlike: Unlike = {}): Runs[] {
  const ways: [string, string, boolean][] = [
    ['import', 'node.mjs', false],
    ['require', 'node.cjs', false],
    ['import, in an empty project', 'node.mjs', true],
    ['require, in an empty project', 'node.cjs', true],
  ];
  return ways.map(([way, file, alone]) => ({
    name: `Node.js ${version}, ${way}`,
    unlike: { ...unlike, ...(alone ? noJco : {}) },
    results: (project) => onServer(project, { command: node(version), args: [file], alone }),
  }));
}

function bundled(bundler: string, form: string, file: string, unlike: Unlike = {}): Runs {
  return {
    name: `${bundler} (${form})`,
    unlike,
    async results(project) {
      await bundle(project, bundler, form);
      return onServer(project, { command: node(26), args: [file] });
    },
  };
}

function bundledPage(bundler: string, path: string, unlike: Unlike = {}): Runs {
  return {
    name: `${bundler} (web)`,
    unlike: { ...onPages, ...unlike },
    async results(project) {
      await bundle(project, bundler, 'web');
      return onPage(project, path, true);
    },
  };
}

/** It compiles no bytes, and so cannot reach the private state of a module. It has no threads. */
const onWorkerd = {
  folders: /^ERR_WASM_PLATFORM/,
  restoreInPlace: /^got 3, expected 1/,
  contractRestored: /^6 of 18 cases failed/,
  copies: /^ERR_WASM_SNAPSHOT/,
  exportsOnThreads: /^ERR_WASM_PLATFORM.*accepted: createWasmPool/,
  threads: /^ERR_WASM_PLATFORM.*accepted: createWasmPool/,
  endlessGuests: /^ERR_WASM_PLATFORM.*accepted: createWasmPool/,
  blockingHosts: /^ERR_WASM_PLATFORM.*accepted: createWasmPool/,
  preparedThreads: /^ERR_WASM_SNAPSHOT/,
  contractOnThreads: /a pool on threads needs node:worker_threads/,
  transpiling: /no component was given/,
};

function workerd(flags: readonly string[]): Runs {
  return {
    name: ['workerd', ...flags].join(' with '),
    unlike: onWorkerd,
    results: (project) =>
      onServer(project, {
        command: node(26),
        args: ['--no-warnings', 'build/workerd.mjs', ...flags],
      }),
  };
}

const withoutRecipe = /^ERR_WASM_PLATFORM.*serverExternalPackages/;

function next(
  bundler: 'turbopack' | 'webpack',
  mode: 'dev' | 'built' | 'dev without the recipe',
  unlike: Unlike = {},
): Runs {
  return {
    name: `Next.js, ${bundler}, ${mode}`,
    unlike,
    async results(project) {
      const { server, page } = await tryNext(project, bundler, mode, TIMEOUT_MILLIS);
      const faults = page === undefined ? [] : faultsIn(page, onPlainPages);
      if (faults.length > 0) throw new Error(['on the page', ...faults].join('\n'));
      return server;
    },
  };
}

const programs: readonly Runs[] = [
  ...nodes(22, noJspi),
  ...nodes(24),
  ...nodes(26),
  {
    name: 'Deno',
    results: (project) =>
      onServer(project, {
        command: () => tool(project, 'deno/deno'),
        args: ['run', '--allow-all', 'node.mjs'],
      }),
  },
  {
    name: 'Bun',
    unlike: { endlessGuests: /^the thread does not end/ },
    results: (project) =>
      onServer(project, { command: () => tool(project, '.bin/bun'), args: ['node.mjs'] }),
  },
  workerd([]),
  workerd(['nodejs_compat']),
  {
    name: 'Chromium, cross-origin isolated',
    unlike: onPages,
    results: (project) => onPage(project, '/page.html', true),
  },
  {
    name: 'Chromium, not isolated',
    unlike: onPlainPages,
    results: (project) => onPage(project, '/page.html', false),
  },
  bundled('esbuild', 'esm', 'out/esbuild-esm/bundled.mjs', withoutFiles),
  bundled('esbuild', 'cjs', 'out/esbuild-cjs/main.cjs', withoutFiles),
  bundledPage('esbuild', '/pages/esbuild.html', withoutFilesOnPages),
  bundled('webpack', 'node', 'out/webpack-node/main.mjs'),
  bundledPage('webpack', '/pages/webpack.html'),
  bundled('rolldown', 'node', 'out/rolldown-node/main.mjs', withoutFiles),
  bundledPage('rolldown', '/pages/rolldown.html', withoutFilesOnPages),
  bundled('rollup', 'node', 'out/rollup-node/main.mjs', withoutFiles),
  bundledPage('rollup', '/pages/rollup.html', withoutFilesOnPages),
  bundled('vite', 'ssr', 'out/vite-ssr/main.mjs', withoutFiles),
  bundledPage('vite', '/out/vite-web/vite.html'),
  {
    name: 'vite (dev, ssrLoadModule)',
    results: (project) =>
      onServer(project, { command: node(26), args: ['--no-warnings', 'build/vite-dev.mjs'] }),
  },
  ...(['turbopack', 'webpack'] as const).flatMap((bundler) => [
    next(bundler, 'built'),
    next(bundler, 'dev'),
  ]),
  next('webpack', 'dev without the recipe', {
    exportsOnThreads: withoutRecipe,
    threads: withoutRecipe,
    endlessGuests: withoutRecipe,
    blockingHosts: withoutRecipe,
    preparedThreads: withoutRecipe,
    contractOnThreads: /serverExternalPackages/,
  }),
];

/** All that is tested. */
export const platforms: readonly Platform[] = [
  ...programs.map(runsOn),
  ...recipes.map(({ name, follow }) => ({
    name,
    faults: async (project: Project) => {
      await follow(project, TIMEOUT_MILLIS);
      return [];
    },
  })),
  ...compilers.map((it) => ({
    name: `Types, TypeScript ${it}`,
    faults: (project: Project) => typeErrors(project, it, TIMEOUT_MILLIS),
  })),
];
