import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatWithOptions, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced `ts` block of a document. */
interface Snippet {
  /** Where it is: `README.md:12`. */
  readonly where: string;
  readonly code: string;
  /** Its file's name. A snippet whose first line is `// tasks.ts` is imported by that name. */
  readonly file: string;
  /** Whether it is also run: not one whose fence is `ts compile-only`. */
  readonly runs: boolean;
  /** The comments behind its console.log calls: what each of them prints, once. */
  readonly printed: string[];
}

/** The `ts` blocks of a document. */
async function snippetsOf(document: URL): Promise<Snippet[]> {
  const markdown = await readFile(document, 'utf8');
  const blocks = [...markdown.matchAll(/^```ts( compile-only)?\n([\s\S]*?)^```$/gm)];
  return blocks.map((match, index) => {
    const code = match[2] as string;
    const line = markdown.slice(0, match.index).split('\n').length;
    const printed = code.matchAll(/^.*console\.log\(.*?\)[),;]* \/\/ (.*)$/gm);
    return {
      where: `${relative(root, fileURLToPath(document))}:${line}`,
      code,
      file: /^\/\/ (\w+\.ts)\n/.exec(code)?.[1] ?? `snippet-${index}.ts`,
      runs: match[1] === undefined,
      printed: Array.from(printed, (it) => it[1] as string),
    };
  });
}

/**
 * Tests that each `ts` block of some documents compiles, runs as a module of its own, and prints
 * what the comments behind its console.log calls say.
 *
 * @param prepare puts into a document's folder what its snippets import
 */
export async function testSnippets(
  documents: URL | readonly URL[],
  prepare: (folder: string, document: URL) => void = () => {},
): Promise<void> {
  const parts = await Promise.all(
    [documents].flat().map(async (document, index) => ({
      document,
      folder: `document-${index}`,
      snippets: await snippetsOf(document),
    })),
  );
  const snippets = parts.flatMap(({ folder, snippets: all }) =>
    all.map((snippet) => ({ ...snippet, path: join(folder, snippet.file) })),
  );
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(root, 'test/.readme-')); // there, so that packages resolve
    for (const { document, folder } of parts) {
      await mkdir(join(directory, folder));
      prepare(join(directory, folder), document);
    }
    for (const { path, code } of snippets) await writeFile(join(directory, path), code);
  });
  afterAll(() => rm(directory, { recursive: true }));

  describe('the snippets', () => {
    test('compile', async () => {
      const config = {
        extends: '../../tsconfig.base.json',
        compilerOptions: {
          composite: false,
          noEmit: true,
          allowImportingTsExtensions: true,
          experimentalDecorators: true,
          rootDir: '../..',
        },
        files: snippets.map(({ path }) => path),
        include: [],
      };
      await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));
      const tsc = join(root, 'node_modules/.bin/tsc');
      const { stdout } = await promisify(execFile)(tsc, ['-p', directory]).catch((error) => error);
      const whereOf = Object.fromEntries(snippets.map(({ path, where }) => [path, where]));
      const problems = String(stdout).replaceAll(
        /[^\s(]*(document-\d+\/[^(]+)\((\d+),\d+\)/g,
        (all, path, line) => (whereOf[path] ? `${whereOf[path]}+${line}` : all),
      );
      expect(problems).toBe('');
    });

    const run = snippets.filter(({ runs }) => runs);
    test.each(run.map((snippet) => [snippet.where, snippet] as const))(
      '%s does what it says',
      async (_, { path, printed }) => {
        const lines: string[] = [];
        const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
          const format = { breakLength: Number.POSITIVE_INFINITY, compact: true };
          lines.push(formatWithOptions(format, ...values));
        });
        try {
          await import(join(directory, path));
        } finally {
          log.mockRestore();
        }
        expect(lines.sort()).toEqual(printed.sort());
      },
    );
  });
}
