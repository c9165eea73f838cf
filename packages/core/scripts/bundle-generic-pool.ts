// Puts generic-pool's own code, with its licence, in place of what tsc made of src/vendor, in both
// forms of the package: neither then depends on generic-pool, nor on how a bundler takes CommonJS.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { esmExternalRequirePlugin } from 'rolldown/plugins';

const folder = fileURLToPath(new URL('..', import.meta.url));
const dist = join(folder, 'dist');
const manifest = createRequire(import.meta.url).resolve('generic-pool/package.json');
const { name, version, license } = JSON.parse(await readFile(manifest, 'utf8')) as {
  name: string;
  version: string;
  license: string;
};
const readme = await readFile(join(dirname(manifest), 'README.md'), 'utf8');
const licenceText = readme.slice(readme.indexOf('(The MIT License)')).replaceAll('&lt;', '<');
if (!licenceText.startsWith('(The') || license !== 'MIT') {
  throw new Error(`${manifest}: the licence of ${name} ${version} is not where it was`);
}
const comment = licenceText
  .trim()
  .replaceAll('&gt;', '>')
  .split('\n')
  .map((line) => ` * ${line}`);
const banner = `/*! ${name} ${version}\n *\n${comment.map((line) => line.trimEnd()).join('\n')}\n */`;

const bundle = await rolldown({
  input: join(folder, 'src/vendor/generic-pool.ts'),
  platform: 'node',
  plugins: [esmExternalRequirePlugin({ external: ['events'] })],
});
for (const [format, to] of [
  ['esm', 'vendor'],
  ['cjs', 'cjs/vendor'],
] as const) {
  // tsc's output is there until the bundle is: other programs may be running on it.
  const made = join(dist, to, '.bundle');
  await bundle.write({ file: join(made, 'generic-pool.js'), format, sourcemap: true, banner });
  await mkdir(join(dist, to), { recursive: true });
  for (const file of ['generic-pool.js.map', 'generic-pool.js']) {
    await rename(join(made, file), join(dist, to, file));
  }
  await rm(made, { recursive: true });
}
await bundle.close();
await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
