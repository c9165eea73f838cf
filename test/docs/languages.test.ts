import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture } from '../helpers/fixture.js';
import { follow, hashOf, lacks, page, recipes } from '../helpers/languages.js';
import { long } from '../helpers/long.js';
import { testSnippets } from '../helpers/snippets.js';

const all = recipes();
const built: Record<string, { hash: string; files: Record<string, string> }> = JSON.parse(
  readFileSync(new URL('../fixtures/languages/built.json', import.meta.url), 'utf8'),
);

const home = process.cwd();
/** Below `test`, so that `npx asc` finds the compiler that is installed there. */
const folder = mkdtempSync(join(fileURLToPath(new URL('..', import.meta.url)), '.languages-'));
beforeAll(() => {
  const png = dirname(createRequire(import.meta.url).resolve('@cf-wasm/png/png.wasm'));
  mkdirSync(join(folder, 'pkg'));
  cpSync(join(png, 'png.js'), join(folder, 'pkg/png.js'));
  cpSync(join(png, 'png_bg.wasm'), join(folder, 'pkg/png_bg.wasm'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

test('the page has a recipe for C, Rust, Go, AssemblyScript and emscripten', () => {
  expect(all.map(({ language }) => language)).toEqual(Object.keys(built));
  expect(all.map(({ compiler }) => compiler)).toEqual(['clang', 'rustc', 'go', 'asc', 'emcc']);
});

describe.each(all)('the recipe for $language', (recipe) => {
  const { language, hash, made } = recipe;

  test('made the files that are committed', () => {
    const note = 'the recipe has changed: run node test/fixtures/languages/build.ts';
    expect(built[language]?.hash, note).toBe(hash);
    for (const name of made) {
      expect(hashOf(fixture(`languages/${name}`)), name).toBe(built[language]?.files[name]);
      writeFileSync(join(folder, name), fixture(`languages/${name}`));
    }
  });

  // Compilers take half a minute together.
  const missing = long ? lacks(recipe) : 'npm run test:long compiles it';
  const note = missing === undefined ? '' : ` (skipped: ${missing})`;
  test.skipIf(missing !== undefined)(`works as it stands there${note}`, () => {
    for (const name of made) rmSync(join(folder, name), { force: true });
    follow(recipe, folder);
    const [module = ''] = made.filter((name) => name.endsWith('.wasm'));
    const bytes = new Uint8Array(readFileSync(join(folder, module)));
    const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map((it) => it.name);
    expect(names.length).toBeGreaterThan(1); // the snippets below use it
  });
});

// The snippets take what was made above: by the compilers that are here, or else what is committed.
const types = `declare const load: (options: object) => Promise<never>;\nexport default load;\n`;
await testSnippets(page, (place) => {
  writeFileSync(join(place, 'words-loader.d.mts'), types);
  const loader = JSON.stringify(join(folder, 'words-loader.mjs'));
  writeFileSync(
    join(place, 'words-loader.mjs'),
    `export { default } from ${loader};
`,
  );
});
