// One library in one mode, in a process of its own: `node run-library.ts NAME MODE`. Prints what came of it.
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createWasmPool, type WasmImports } from '@wasm-pool/wasm-adapter';
import { libraries } from './libraries.ts';
import { plainWorld } from './world.ts';

const BORROWERS = 9;
const INSTANCES = 3;

const [, , name, mode = 'reuse'] = process.argv;
const library = libraries.find((it) => it.name === name);
if (library === undefined) throw new Error(`there is no library ${name}`);
const bytes = await library.bytes();
const plain = await library.load(plainWorld(new WebAssembly.Module(new Uint8Array(bytes))));

type Answer = (question: number) => unknown;
const settled = async (work: () => unknown) => {
  try {
    return structuredClone({ value: await work() });
  } catch (error) {
    return { error: String(error) };
  }
};
const pool = await createWasmPool<Answer>(bytes, {
  reset: mode as 'reuse' | 'restore' | 'fresh',
  max: INSTANCES,
  statelessLoader: library.statelessLoader ?? false,
  instantiate: (module, instance) =>
    library.load({
      module,
      WebAssembly: instance.WebAssembly,
      link: (imports) => instance.link(imports as WasmImports),
    }),
});
let right = 0;
const wrong: unknown[] = [];
const borrow = async (borrower: number) => {
  for (let number = 0; number < (library.questions ?? 4); number++) {
    const question = 2 + ((borrower * 7 + number * 3) % 40);
    const expected = await settled(() => plain(question));
    const got = await settled(() =>
      pool.use(async ({ exports }) => {
        await turn(); // so that the others are on loan, too
        return exports(question);
      }),
    );
    if (isDeepStrictEqual(got, expected) && 'value' in got) right++;
    else wrong.push({ question, expected, got });
    if (number % 2 === 1) globalThis.gc?.(); // finalizers have their turn between loans
  }
};
await Promise.all(Array.from({ length: BORROWERS }, (_, borrower) => borrow(borrower)));
await new Promise((resolve) => setTimeout(resolve, 50));
const { created, destroyedBy, strayCalls, unrestorableBy } = pool.stats();
const [first] = wrong;
const { restoreBlockers } = pool;
console.log(
  `FIELD ${JSON.stringify({ right, wrong: wrong.length, first, created, destroyedBy, strayCalls, unrestorableBy, restoreBlockers })}`,
);
await pool.close();
process.exit(0);
