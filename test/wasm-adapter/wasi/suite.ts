import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** One command of the public test suite of WASI preview 1, and what it is to do. */
export interface SuiteCommand {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What its root folder has in it; undefined: it has none. */
  readonly files: Readonly<Record<string, Uint8Array>> | undefined;
  readonly exitCode: number;
  readonly stdout: string | undefined;
}

interface Specification {
  args?: string[];
  env?: Record<string, string>;
  root?: string;
  exit_code?: number;
  stdout?: string;
}

/** The commands of test/fixtures/wasi-testsuite. */
export function suiteCommands(): readonly SuiteCommand[] {
  const packed = brotliDecompressSync(
    readFileSync(join(import.meta.dirname, '../../fixtures/wasi-testsuite/commands.br')),
  );
  const end = packed.indexOf('\n');
  const index: [path: string, length: number][] = JSON.parse(packed.toString('utf8', 0, end));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let at = end + 1;
  for (const [path, length] of index) {
    files.set(path, new Uint8Array(packed.subarray(at, at + length)));
    at += length;
  }
  return [...files].flatMap(([path, bytes]) => {
    if (!path.endsWith('.wasm')) return [];
    const json = files.get(path.replace(/wasm$/, 'json'));
    const spec: Specification = json === undefined ? {} : JSON.parse(Buffer.from(json).toString());
    const root = spec.root && `${dirname(path)}/${spec.root}/`;
    const inRoot = [...files].flatMap(([name, content]) =>
      root && name.startsWith(root) ? [[name.slice(root.length - 1), content] as const] : [],
    );
    return [
      {
        ...{ name: path.replace(/\.wasm$/, ''), bytes, args: spec.args ?? [], env: spec.env ?? {} },
        files: root ? Object.fromEntries(inRoot) : undefined,
        ...{ exitCode: spec.exit_code ?? 0, stdout: spec.stdout },
      },
    ];
  });
}

/** Writes files into a folder of the host. */
export function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
