// Rebuilds the commands, whose binaries are committed: `node examples/cgi-server/commands/build.ts`.
// Needs Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32; rustc and libstd-rust-dev-wasm32;
// and the npm registry for AssemblyScript.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
const scratch = mkdtempSync(join(tmpdir(), 'wasm-pool-commands-'));
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: scratch, stdio: 'inherit' });
const file = (name: string) => join(here, name);

const clang = ['--target=wasm32-wasi', '-Wall', '-Os', '-Wl,--strip-all'];
run('clang', ...clang, '-o', file('request.wasm'), file('request.c'));
const rust = ['--target', 'wasm32-wasi', '-C', 'opt-level=s', '-C', 'strip=symbols', '-C', 'lto'];
run('/usr/bin/rustc', ...rust, '-o', file('words.wasm'), file('words.rs'));
copyFileSync(file('upper.as'), join(scratch, 'upper.ts')); // it takes no other extension
const asc = ['--yes', '-p', 'assemblyscript@0.28.20', 'asc'];
const flags = ['-O', '--runtime', 'stub', '--use', 'abort='];
run('npx', ...asc, 'upper.ts', ...flags, '--outFile', file('upper.wasm'));
rmSync(scratch, { recursive: true });
