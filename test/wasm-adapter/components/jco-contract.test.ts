import { readFileSync } from 'node:fs';
import { transpile } from '@bytecodealliance/jco';
import { describe, expect, test } from 'vitest';
import { findTranspiler } from '../../../packages/wasm-adapter/src/component/jco.js';
import {
  exportedInterfaces,
  generateOptions,
  isComponentError,
  isJcoFuture,
  isJcoStream,
  keepsHandles,
  OWN_GLOBALS,
  prepareCode,
  traitsOf,
} from '../../../packages/wasm-adapter/src/component/jco-code.js';
import { ModuleLimits } from '../../../packages/wasm-adapter/src/module/limits.js';
import { moduleShape } from '../../../packages/wasm-adapter/src/module/module-shape.js';
import { fixture } from '../../helpers/fixture.js';
import { guestPath } from '../../http/guests.js';

// What `component/jco-code.ts` knows of the JavaScript that jco generates, of which jco promises nothing.
// Where a test fails after an update of jco, its title says what is different.

const options = {
  name: 'component',
  instantiation: 'async',
  base64Cutoff: 0,
  strict: true,
} as const;
const codeOfBytes = async (bytes: Uint8Array) => {
  const given = { ...options, emitTypescriptDeclarations: false };
  const { files } = await transpile(bytes, given);
  return new TextDecoder().decode(files['component.js']);
};
const codeOf = (name: string) => codeOfBytes(fixture(`components/${name}.wasm`));
const tasks = await codeOf('tasks');
const guest = await codeOf('guest');

describe('jco generates code', () => {
  test('that begins with `instantiate`, into which globals of ours can be put', () => {
    const prepared = prepareCode(tasks);
    expect(prepared).toMatch(
      new RegExp(
        `^ {2}const \\{ ${OWN_GLOBALS.join(', ')}, importFailed: \\w+ \\} = imports\\[`,
        'm',
      ),
    );
    expect(prepareCode('export function other() {')).toBe('export function other() {');
  });

  test('that returns what the component exports, by names with a version', async () => {
    const returned = (code: string) => exportedInterfaces({ toString: () => code });
    expect(returned(guest)).toEqual([
      'test:guest/counters@1.0.0',
      'test:guest/faults@1.0.0',
      'test:guest/values@1.0.0',
    ]);
    expect(returned(tasks)).toEqual(['test:tasks/api@1.0.0']);
    for (const [preview, name] of [
      [2, 'wasi:http/incoming-handler@0.2.12'],
      [3, 'wasi:http/handler@0.3.0'],
    ] as const) {
      expect(returned(await codeOfBytes(readFileSync(guestPath(preview))))).toEqual([name]);
    }
  });

  test('that takes from the global object what is known, and nothing else that outlives a call', () => {
    for (const name of ['FinalizationRegistry', 'setTimeout', 'setInterval']) {
      expect(tasks + guest).toMatch(new RegExp(`\\b${name}\\b`));
    }
    const others = [
      'setImmediate',
      'queueMicrotask(',
      'process.on',
      'addEventListener',
      'new Worker',
    ];
    const used = others.filter((it) => (tasks + guest).includes(it));
    expect(used).toEqual(['queueMicrotask(']); // which ends by itself
  });

  test('that resolves with the exports in one place', () => {
    expect(prepareCode(tasks).match(/Symbol\.for\('@wasm-pool\/exports'\)/g)).toHaveLength(1);
  });

  test('that catches what imports throw in one place, for all of them', () => {
    expect(prepareCode(tasks).match(/wasmPoolImportFailed\(err\);/g)).toHaveLength(1);
  });

  test('that says of streams, tables of handles and async exports', () => {
    expect(traitsOf(Object.assign(() => {}, { toString: () => prepareCode(tasks) }))).toEqual({
      hasStreams: true,
      hidesTasks: false,
      importsWasi: false,
      importsWasi3: false,
      unversionedWasi3: new Set(),
      unversioned: new Map([
        ['test:tasks/host', ['1.0.0']],
        ['test:tasks/api', ['1.0.0']],
      ]),
    });
    expect(keepsHandles(guest)).toBe(true);
  });

  test('with registries that are told of the handles that leave and come back', () => {
    expect(guest).toMatch(/new FinalizationRegistry\(/);
    expect(guest).toMatch(/finalizationRegistry\d+\.register\(/);
    expect(guest).toMatch(/finalizationRegistry\d+\.unregister\(/);
  });

  test('with futures whose `then` is an accessor, and a way to pass them on', () => {
    const source = /class FutureValue[\s\S]*?\n( *)get then\(\)[\s\S]*?resolveAsValue\(resolve\)/;
    expect(tasks).toMatch(source);
    class Future {
      resolveAsValue() {}
    }
    Object.defineProperty(Future.prototype, 'then', { get: () => undefined });
    class Resource {
      resolveAsValue() {}
    }
    expect(isJcoFuture(new Future())).toBe(true);
    expect(isJcoFuture(new Resource())).toBe(false);
    expect(isJcoFuture({ resolveAsValue: 2 })).toBe(false);
  });

  test('with streams that have their handle under a registered symbol', () => {
    expect(tasks).toContain(`Symbol.for('cabiRep')`);
    expect(isJcoStream({ [Symbol.for('cabiRep')]: 1, [Symbol.asyncIterator]() {} })).toBe(true);
    expect(isJcoStream({})).toBe(false);
  });

  test('with a class ComponentError for the errors of results', () => {
    expect(tasks).toMatch(/class ComponentError extends Error \{\s+constructor \(value\)/);
    class ComponentError extends Error {}
    expect(isComponentError(new ComponentError())).toBe(true);
    expect(isComponentError(new Error())).toBe(false);
  });
});

describe('jco’s transpiler', async () => {
  const { url } = await findTranspiler('the test');
  const { $init, generate } = await import(url);
  await $init;

  test('generates for our options what jco itself does for the same', async () => {
    const { files } = generate(fixture('components/guest.wasm'), generateOptions([], undefined));
    const [, code] = files.find(([name]: [string]) => name === 'component.js');
    expect(new TextDecoder().decode(code)).toBe(guest);
  });

  test('has a memory that can be capped', () => {
    const path = new URL('js-component-bindgen-component.core.wasm', url);
    const bytes = readFileSync(path);
    const shape = moduleShape(bytes, false);
    expect(shape.memories).toMatchObject([{ imported: false }]);
    expect(new ModuleLimits({ memoryBytes: 2 ** 26 }).changes(shape).memoryLimits).toBeDefined();
  });
});
