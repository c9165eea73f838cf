import { build } from 'esbuild';

const [, , form] = process.argv;
const common = { bundle: true, logLevel: 'silent', external: ['@bytecodealliance/*'] };

/** Prints the warnings, but for those about what jco wrote. */
async function bundle(options) {
  const { warnings } = await build(options);
  for (const { text, location } of warnings) {
    if (!location?.file.startsWith('guests/')) console.error(text, location);
  }
}

if (form === 'esm') {
  const entryPoints = ['bundled.mjs', 'worker.mjs'];
  const options = { platform: 'node', format: 'esm', outExtension: { '.js': '.mjs' } };
  await bundle({ ...common, ...options, entryPoints, splitting: true, outdir: 'out/esbuild-esm' });
} else if (form === 'cjs') {
  const options = { platform: 'node', format: 'cjs', outExtension: { '.js': '.cjs' } };
  const entryPoints = { main: 'bundled-cjs.mjs', worker: 'worker.mjs' };
  await bundle({ ...common, ...options, entryPoints, outdir: 'out/esbuild-cjs' });
} else {
  const options = { platform: 'browser', format: 'esm', outExtension: { '.js': '.mjs' } };
  const entryPoints = ['bundled-browser.mjs', 'worker.mjs'];
  await bundle({ ...common, ...options, entryPoints, splitting: true, outdir: 'out/esbuild-web' });
}
