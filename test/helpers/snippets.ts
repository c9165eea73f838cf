import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatWithOptions, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

/** A fenced `ts` block of a README. */
interface Snippet {
  /** Where it is: `README.md:12`. */
  readonly where: string;
  readonly code: string;
  /** The comments behind its console.log calls: what each of them prints, once. */
  readonly printed: string[];
}

/** The `ts` blocks of a README. */
export async function snippetsOf(readme: URL): Promise<Snippet[]> {
  const markdown = await readFile(readme, 'utf8');
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const code = match[1] as string;
    const line = markdown.slice(0, match.index).split('\n').length;
    const printed = code.matchAll(/^.*console\.log\(.*?\)[),;]* \/\/ (.*)$/gm);
    return {
      where: `README.md:${line}`,
      code,
      printed: Array.from(printed, (it) => it[1] as string),
    };
  });
}

/**
 * Tests that each `ts` block of a README compiles, runs as a module of its own, and prints what the
 * comments behind its console.log calls say.
 *
 * @param prepare puts what they import into the folder that they are in
 */
export async function testSnippets(
  readme: URL,
  prepare: (directory: string) => void = () => {},
): Promise<void> {
  const snippets = await snippetsOf(readme);
  const folder = fileURLToPath(new URL('..', import.meta.url));
  let directory: string;
  // One that begins with the name of a file is what others import by it.
  const files = snippets.map(
    ({ code }, index) => /^\/\/ (\w+\.ts)\n/.exec(code)?.[1] ?? `snippet-${index}.ts`,
  );
  const pathOf = (index: number) => join(directory, files[index] as string);

  beforeAll(async () => {
    directory = await mkdtemp(join(folder, '.readme-')); // here, so that packages resolve
    prepare(directory);
    for (const [index, { code }] of snippets.entries()) await writeFile(pathOf(index), code);
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
          rootDir: '../..',
        },
        files,
        include: [],
      };
      await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));
      const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
      const { stdout } = await promisify(execFile)(tsc, ['-p', directory]).catch((error) => error);
      expect(stdout).toBe('');
    });

    test.each(snippets.map((snippet, index) => [snippet.where, snippet, index] as const))(
      '%s does what it says',
      async (_, { printed }, index) => {
        const lines: string[] = [];
        const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
          const format = { breakLength: Number.POSITIVE_INFINITY, compact: true };
          lines.push(formatWithOptions(format, ...values));
        });
        try {
          await import(pathOf(index));
        } finally {
          log.mockRestore();
        }
        expect(lines.sort()).toEqual(printed.sort());
      },
    );
  });
}
