import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';

const require = createRequire(import.meta.url);
const exampleRequire = createRequire(
  new URL('../../examples/sandbox-server/package.json', import.meta.url),
);

/** markdown-it and all it depends on, as one script whose value renders its global `input`. */
export async function bundleRenderer(): Promise<string> {
  return `${await bundleLibrary()}\nrenderer.render(input)`;
}

/** markdown-it and all it depends on, as one script that defines `renderer.render(text)`. */
export async function bundleLibrary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wasm-pool-'));
  try {
    const entry = join(folder, 'entry.mjs');
    const markdownIt = JSON.stringify(require.resolve('markdown-it'));
    await writeFile(
      entry,
      `import MarkdownIt from ${markdownIt};
       export const render = (text) =>
         new MarkdownIt({ html: true, linkify: true, typographer: true }).render(text);`,
    );
    const { output } = await build({
      input: entry,
      write: false,
      output: { format: 'iife', name: 'renderer' },
    });
    return output[0].code;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Fastify's guides, in one. */
export async function document(): Promise<string> {
  const docs = join(dirname(exampleRequire.resolve('fastify/package.json')), 'docs/Guides');
  const files = (await readdir(docs, { recursive: true })).filter((it) => it.endsWith('.md'));
  const texts = await Promise.all(files.sort().map((file) => readFile(join(docs, file), 'utf8')));
  return texts.join('\n');
}
