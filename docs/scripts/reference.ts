import { join } from 'node:path';
import { Application, Converter } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { generated, navigation, REFERENCE } from './pages.ts';
import { read, repositoryUrl, root } from './repository.ts';

/** The source of each entry that the packages export to users, by the name that they import. */
function entryPoints(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of ['packages/core', 'packages/wasm-adapter']) {
    const manifest = JSON.parse(read(`${folder}/package.json`)) as {
      name: string;
      exports: Record<string, string | { import: { types: string } }>;
    };
    for (const [entry, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string' || entry === './internal') continue;
      const source = target.import.types.replace('./dist/types/', 'src/').replace('.d.ts', '.ts');
      found.set(manifest.name + entry.slice(1), `${folder}/${source}`);
    }
  }
  return found;
}

/** Writes the API reference, made from the docstrings. Rejects where a docstring links to nothing. */
export async function writeReference(): Promise<void> {
  const entries = entryPoints();
  const out = join(generated, REFERENCE);
  const options: PluginOptions & Record<string, unknown> = {
    entryPoints: [...entries.values()].map((path) => join(root, path)),
    tsconfig: join(root, 'docs/scripts/tsconfig.reference.json'),
    basePath: root,
    plugin: ['typedoc-plugin-markdown'],
    // Never without a path: typedoc empties the folder that it writes to, and that is `docs` by default.
    outputs: [{ name: 'markdown', path: out }],
    cleanOutputDir: false,
    name: 'API reference',
    readme: 'none',
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    skipErrorChecking: true, // the compiler of the repository has checked it, a newer one than this
    disableGit: true,
    disableSources: repositoryUrl() === undefined,
    sourceLinkTemplate: `${repositoryUrl()}/blob/HEAD/packages/{path}#L{line}`,
    sort: ['source-order'],
    kindSortOrder: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
    validation: { notExported: false, invalidLink: true, notDocumented: false },
    treatValidationWarningsAsErrors: true,
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    expandObjects: true,
    sanitizeComments: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    indexFormat: 'table',
    tableColumnSettings: { hideSources: true, hideInherited: true, hideModifiers: true },
    navigationJson: navigation,
  };
  const app = await Application.bootstrapWithPlugins(options as never);
  const names = new Map([...entries].map(([name, path]) => [path.replace('/index.ts', ''), name]));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project: { children = [] } }) => {
    for (const module of children) module.name = names.get(module.name) ?? module.name;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc: the sources cannot be read');
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error('typedoc: the docstrings have faults, listed above');
  }
}
