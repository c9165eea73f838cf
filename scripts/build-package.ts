// Builds what a package publishes: each entry one file, and in chunks beside it what entries share or
// what only some users need, as ES modules in dist and as CommonJS in dist/cjs. `tsc -b` has written
// the types to dist/types before.
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type OutputOptions, type Plugin, rolldown } from 'rolldown';
import { makeTypesPortable } from './portable-types.ts';

/** What a package consists of. */
export interface PackageBuild {
  /** The folder of the package. */
  readonly folder: string;
  /** Sources in `src`, by the name of the file that users import. */
  readonly entries: Readonly<Record<string, string>>;
  /** The same for files that are run rather than imported: there are no CommonJS forms of them. */
  readonly commands?: Readonly<Record<string, string>>;
  /**
   * Sources in `src`, by the name of a file that is started by its URL. All that it imports is inside,
   * because bundlers copy such a file as it is.
   */
  readonly programs?: Readonly<Record<string, string>>;
  /** What entries import and do not have inside. */
  readonly external?: readonly (string | RegExp)[];
  readonly plugins?: readonly Plugin[];
  /** The chunks that are not left to the bundler's choice. A file that several fit is in the first. */
  readonly chunks?: readonly Chunk[];
  readonly banner?: (chunk: { readonly name: string }) => string;
}

type Chunk = NonNullable<Extract<OutputOptions['codeSplitting'], object>['groups']>[number];

/** A program that runs on the package meanwhile finds each file, the old one or the new one. */
export async function buildPackage(build: PackageBuild): Promise<void> {
  const dist = join(build.folder, 'dist');
  const made = join(dist, `.build-${process.pid}`);
  try {
    const { entries, commands = {}, programs = {} } = build;
    await makeTypesPortable(join(dist, 'types'));
    await bundle(build, { ...entries, ...commands }, './', { format: 'esm', dir: made });
    await bundle(build, entries, '../', { format: 'cjs', dir: join(made, 'cjs') });
    for (const [name, source] of Object.entries(programs)) {
      await bundle({ ...build, external: [] }, { [name]: source }, './', {
        ...{ format: 'esm', dir: made, codeSplitting: false, entryFileNames: '[name].mjs' },
      });
    }
    await writeFile(join(made, 'cjs/package.json'), '{ "type": "commonjs" }\n');
    // An import in them that is one of ES modules here is one of CommonJS there.
    await cp(join(dist, 'types'), join(made, 'cjs/types'), { recursive: true });
    await replaceFiles(made, dist);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function bundle(
  { folder, external, plugins = [], chunks, banner }: PackageBuild,
  entries: Readonly<Record<string, string>>,
  toDist: string,
  output: OutputOptions,
): Promise<void> {
  const built = await rolldown({
    input: Object.fromEntries(
      Object.entries(entries).map(([name, source]) => [name, join(folder, 'src', source)]),
    ),
    platform: 'node',
    external: [...(external ?? [])],
    transform: { target: 'es2023' },
    plugins: [besideOutput(toDist), ...plugins],
    onLog(level, log, log_) {
      if (level === 'warn') throw new Error(log.message);
      log_(level, log);
    },
  });
  await built.write({
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    exports: 'named',
    minifyInternalExports: false,
    sourcemap: true,
    codeSplitting:
      chunks === undefined
        ? true
        : { groups: chunks.map((chunk, index) => ({ ...chunk, priority: chunks.length - index })) },
    ...(banner && { banner }),
    ...output,
  });
  await built.close();
}

/** `new URL('../../dist/file.mjs', import.meta.url)` names a built file from the sources, too. */
function besideOutput(toDist: string): Plugin {
  return {
    name: 'beside-output',
    transform: {
      filter: { code: /\/dist\// },
      handler: (code) => ({
        code: code.replace(/(?<=')(?:\.\.\/)+dist\/(?=[\w.-]+', import\.meta\.url)/g, toDist),
        map: null, // all lines stay where they are
      }),
    },
  };
}

/** Moves all files of a folder to another one, where nothing stays but the types. */
async function replaceFiles(from: string, to: string): Promise<void> {
  const kept = new Set(['.tsbuildinfo']);
  for (const file of await filesIn(from)) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await rename(join(from, file), join(to, file));
    kept.add(file);
  }
  for (const file of await filesIn(to)) {
    if (!kept.has(file) && !/^(types|\.build-\d+)\//.test(file)) await rm(join(to, file));
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((file) => file.replaceAll('\\', '/')); // as Windows has it
}
