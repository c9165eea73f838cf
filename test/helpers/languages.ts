import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What docs/from-your-language.md has for a language: sources, and the command that builds them. */
export interface Recipe {
  readonly language: string;
  readonly sources: readonly { readonly file: string; readonly text: string }[];
  readonly command: string;
  /** The program that the command starts, and the files that it makes. */
  readonly compiler: string;
  readonly made: readonly string[];
  /** Of the sources and the command: of what the committed files were made. */
  readonly hash: string;
}

export const page = new URL('../../docs/from-your-language.md', import.meta.url);

const test = join(import.meta.dirname, '..');

/** The recipes of the page, in its order. */
export function recipes(): Recipe[] {
  const sections = readFileSync(page, 'utf8').split(/^## /m).slice(1);
  return sections.flatMap((section) => {
    const [language = ''] = section.split('\n', 1);
    const [, command = ''] = /^```sh\n([\s\S]*?)\n```$/m.exec(section) ?? [];
    if (command === '') return [];
    const blocks = section.matchAll(/^```(?:c|rust|go|typescript)\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm);
    const sources = Array.from(blocks, ([, text = '', file = '']) => ({ file, text }));
    const [, out = ''] = / -o (\S+)/.exec(command) ?? [];
    const made = out.endsWith('.mjs') ? [out, out.replace('.mjs', '.wasm')] : [out];
    const compiler = command.replace(/^(\w+=\S+ )*(npx )?/, '').split(' ')[0] ?? '';
    const hash = hashOf(JSON.stringify([sources, command]));
    return [{ language, sources, command, compiler, made, hash }];
  });
}

export function hashOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Why a recipe cannot be followed on this machine; undefined where it can be. */
export function lacks({ compiler, command }: Recipe): string | undefined {
  const target = / --target (\S+)/.exec(command)?.[1] ?? '';
  const probes: Readonly<Record<string, string>> = {
    asc: 'npx --no asc --version',
    clang: 'command -v wasm-ld && clang --print-targets | grep wasm32',
    go: 'go version | grep -E "go1\\.(2[4-9]|[3-9][0-9])"',
    rustc: `test -d "$(rustc --print target-libdir --target ${target})"`,
  };
  try {
    execFileSync('sh', ['-c', probes[compiler] ?? `command -v ${compiler}`], {
      cwd: test,
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return `${compiler}${target && ` for ${target}`} is not installed`;
  }
}

/** Writes the sources into a folder below `test`, and runs the command there. */
export function follow({ sources, command }: Recipe, folder: string): void {
  for (const { file, text } of sources) writeFileSync(join(folder, file), text);
  const env = {
    ...process.env,
    GOFLAGS: '-trimpath',
    NODE_PATH: '/usr/share/nodejs', // where Debian's emscripten has its parser
  };
  execFileSync('sh', ['-c', command], { cwd: folder, env, stdio: 'pipe' });
}
