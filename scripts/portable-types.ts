// Makes published declarations compile in projects that have no types of the DOM or of Node.js, where an
// unknown name would be an error, or, with skipLibCheck, `any`: the globals in them become the types of
// `web-types.ts`, which are the platform's own where those are known.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const OURS = 'WebTypes';
const FILE = 'web-types.d.ts';
const STREAMS = 'streams.d.ts';

/** Generic, so that no type can stand for them: each is one with the platform's own. */
const streams = `interface ReadableStream<R = any> {}
interface WritableStream<W = any> {}
`;

const globals =
  /(?<![\w.$'"/-])(?:AbortSignal|URL|Headers|Response|Request|ErrorEvent|Transferable)(?![\w$'"]|\??:)/g;

/** Names of modules whose types are in `web-types.ts`, too. */
const modules = /^import (?:type )?\{([^}]*)\} from 'node:worker_threads';$/m;

/** What is left as it is: comments, and lists of names. */
const untouched =
  /(\/\*[\s\S]*?\*\/|\/\/.*$|^import .*;$|^export (?:type )?\{[^}]*\}(?: from .*)?;$)/m;

/** Rewrites all declarations of a folder. Run after each run of the compiler, which writes those anew. */
export async function makeTypesPortable(types: string): Promise<void> {
  if (!existsSync(join(types, FILE))) return;
  await writeFile(join(types, STREAMS), streams);
  const files = await readdir(types, { recursive: true });
  await Promise.all(
    files
      .filter((it) => it.endsWith('.d.ts') && it !== FILE && it !== STREAMS)
      .map((it) => rewrite(join(types, it), types)),
  );
}

async function rewrite(path: string, types: string): Promise<void> {
  const given = await readFile(path, 'utf8');
  if (given.includes(`type * as ${OURS} `) || given.startsWith('/// <reference')) return; // done before
  const from = relative(dirname(path), join(types, FILE)).replaceAll('\\', '/');
  const specifier = `${from.startsWith('.') ? '' : './'}${from.replace(/\.d\.ts$/, '.js')}`;
  const imported = new Set(
    Array.from(given.matchAll(/^import .*\{([^}]*)\}/gm), ([, names = '']) =>
      names.split(',').map((it) => it.trim().replace(/^type /, '')),
    ).flat(),
  );
  const code = given
    .replace(modules, (all, names: string) => {
      if (names.includes('MessagePort')) return all; // of what runs on Node.js only
      const known = names.replace('WorkerOptions as NodeWorkerOptions', 'NodeWorkerOptions');
      return `import type {${known}} from '${specifier}';`;
    })
    .split(untouched)
    .map((part, index) => (index % 2 === 1 ? part : withoutGlobals(part, imported)))
    .join('');
  const head = [
    code.includes('ispos') ? '/// <reference lib="esnext.disposable" />\n' : '',
    /\b(Readable|Writable)Stream</.test(code)
      ? `/// <reference path="${from.replace(/[\w-]+\.d\.ts$/, STREAMS)}" />\n`
      : '',
    code.includes(`${OURS}.`) ? `import type * as ${OURS} from '${specifier}';\n` : '',
  ].join('');
  if (head !== '' || code !== given) await writeFile(path, head + code);
}

function withoutGlobals(code: string, imported: ReadonlySet<string>): string {
  return code
    .replace(/\btypeof WebAssembly\b(?!\.)/g, `${OURS}.WebAssemblyNamespace`)
    .replace(/\bWebAssembly\.(?=[A-Z])/g, `${OURS}.`)
    .replace(/\btypeof fetch\b/g, `${OURS}.Fetch`)
    .replace(globals, (name) => (imported.has(name) ? name : `${OURS}.${name}`));
}
