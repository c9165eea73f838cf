import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, vi } from 'vitest';
import { fixturePath } from './helpers/fixture.js';
import { testSnippets } from './helpers/snippets.js';
import { wat } from './helpers/wat.js';
import { jco, jsComponent } from './wasm-adapter/components/js-component.js';

/** The modules that the snippets load. */
const modules = {
  'plugin.wasm': `(module (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))`,
  'counter.wasm': `(module (memory 1) (global $count (mut i32) (i32.const 0))
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count)))`,
  'interpreter.wasm': `(module (memory (export "memory") 1) (global $loaded (mut i32) (i32.const 0))
    (func (export "load_library") (global.set $loaded (i32.const 42)))
    (func (export "run") (result i32) (global.get $loaded)))`,
  'traps.wasm': `(module (func (export "fail") unreachable))`,
  'logs.wasm': `(module (import "host" "log" (func $log (param i32 i32)))
    (memory (export "memory") 1) (data (i32.const 8) "hello")
    (func (export "run") (call $log (i32.const 8) (i32.const 5))))`,
  'invert.wasm': `(module (memory (export "memory") 1)
    (func (export "invert") (param $at i32) (param $count i32)
      (loop $next
        (i32.store8 (local.get $at) (i32.xor (i32.load8_u (local.get $at)) (i32.const 255)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
    (func (export "forever") (loop $again (br $again))))`,
  'greedy.wasm': `(module (memory (export "memory") 1)
    (func (export "grow") (result i32)
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (memory.size))
    (func $recurse (export "recurse") (call $recurse)))`,
  'callbacks.wasm': `(module (func $fail unreachable)
    (table (export "table") 1 funcref) (elem (i32.const 0) $fail))`,
  'vectors.wasm': `(module (global (mut v128) (v128.const i64x2 0 0)))`,
  'asks.wasm': `(module (import "host" "lookUp" (func $lookUp (param i32) (result i32)))
    (func (export "handle") (param i32) (result i32) (call $lookUp (local.get 0))))`,
};

/** The component that they load as `greeter.wasm`, and its world. */
const wit = `package docs:greeter@1.0.0;
interface host { log: func(message: string); }
interface greetings { greet: func(name: string) -> result<string, string>; }
world greeter { import host; export greetings; }`;
const greeter = `
import host from 'docs:greeter/host@1.0.0';
let ready = false;
export const greetings = {
  greet(name) {
    if (!ready) host.log('ready');
    ready = true;
    if (name === '') throw 'nobody to greet';
    return 'Hello, ' + name + '!';
  },
};`;

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const home = process.cwd();
const directory = mkdtempSync(join(tmpdir(), 'wasm-pool-readme-'));
beforeAll(() => {
  for (const [name, source] of Object.entries(modules)) {
    writeFileSync(join(directory, name), wat(source));
  }
  cpSync(fixturePath('tool.wasm'), join(directory, 'tool.wasm'));
  vi.stubEnv('XDG_CACHE_HOME', directory);
  process.chdir(directory);
});
afterAll(() => {
  vi.unstubAllEnvs();
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

/** The documents with snippets; core's README has a test of its own. */
const documents = [
  'README.md',
  'packages/wasm-adapter/README.md',
  ...globSync('docs/*.md', { cwd: root })
    .filter((path) => path !== 'docs/from-your-language.md') // test/docs/languages.test.ts
    .sort(),
].map((path) => new URL(path, `file://${root}/`));

let greeterFolder: string | undefined;

/** The greeter, transpiled once, for each document that imports it. */
function prepare(folder: string, document: URL) {
  if (!readFileSync(document, 'utf8').includes("'./greeter/")) return;
  if (greeterFolder === undefined) {
    writeFileSync(join(directory, 'greeter.wit'), wit);
    const component = join(directory, 'greeter.wasm');
    writeFileSync(component, jsComponent(join(directory, 'greeter.wit'), 'greeter', greeter));
    greeterFolder = join(directory, 'greeter');
    jco('transpile', component, '--instantiation', 'async', '-o', greeterFolder);
  }
  cpSync(greeterFolder, join(folder, 'greeter'), { recursive: true });
}

await testSnippets(documents, prepare);
