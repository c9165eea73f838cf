// Builds dist, with generic-pool's own code and its licence inside. Run after the compiler: npm run build
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildPackage } from '../../../scripts/build-package.ts';

const folder = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

await buildPackage({
  folder,
  entries: {
    index: 'index.ts',
    'generic-pool': 'drop-in/index.ts',
    internal: 'internal.ts',
    fastify: 'fastify/index.ts',
    inspector: 'inspector/index.ts',
    nestjs: 'nestjs/index.ts',
    opentelemetry: 'opentelemetry/index.ts',
    service: 'service/index.ts',
  },
  external: ['@nestjs/common', '@opentelemetry/api'],
  plugins: [
    {
      name: 'events',
      resolveId: {
        filter: { id: /^events$/ },
        handler: (_id, importer) => {
          const own = join(folder, 'src/vendor/events.cjs');
          return importer === own ? require.resolve('events/') : own;
        },
      },
    },
  ],
  // What all entries need, in one file: to find a further one takes longer than to read it.
  chunks: [
    {
      name: 'pool',
      test: /[\\/]src[\\/](?!(?:drop-in|fastify|inspector|nestjs|opentelemetry|service)[\\/]|index|internal)|[\\/]node_modules[\\/]/,
    },
  ],
  banner: await licences('generic-pool', 'events/'),
});

/** Gives the licences of packages to the chunk that holds their code. */
async function licences(...packages: string[]): Promise<(chunk: { name: string }) => string> {
  const texts = await Promise.all(packages.map(licenceOf));
  return ({ name }) => (name === 'pool' ? texts.join('\n') : '');
}

/** A comment with a package's name, version and licence, which is in a file or in the README. */
async function licenceOf(id: string): Promise<string> {
  const manifest = require.resolve(join(id, 'package.json'));
  const { name, version, license } = JSON.parse(await readFile(manifest, 'utf8')) as {
    name: string;
    version: string;
    license: string;
  };
  const read = (file: string) => readFile(join(dirname(manifest), file), 'utf8');
  const text = await read('LICENSE').catch(async () => {
    const readme = await read('README.md');
    return readme.slice(readme.indexOf('(The MIT License)')).replaceAll('&lt;', '<');
  });
  if (license !== 'MIT' || !text.includes('Permission is hereby granted')) {
    throw new Error(`${manifest}: the licence of ${name} ${version} is not where it was`);
  }
  const lines = text.trim().replaceAll('&gt;', '>').split('\n');
  return `/*! ${name} ${version}\n *\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */`;
}
