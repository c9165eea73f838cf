// The recipes of docs/bundlers.md, as they stand there.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const page = readFileSync(join(import.meta.dirname, '../../docs/bundlers.md'), 'utf8');

/** The blocks of the page by the files that their first lines name. */
const blocks = new Map(
  Array.from(page.matchAll(/^```\w+\n\/\/ (\S+)\n([\s\S]*?)^```$/gm), ([, file, code]) => [
    file as string,
    code as string,
  ]),
);

/** Writes files of the page into a folder, each under its name. */
export function writeRecipe(folder: string, ...files: readonly string[]): void {
  for (const file of files) {
    const code = blocks.get(file);
    if (code === undefined) throw new Error(`docs/bundlers.md has no block ${file}`);
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  }
}
