// A short run of `npm run fuzz`. Mutants that could loop are not called here: see test/fuzz.
import { expect, test } from 'vitest';
import { moduleShape } from '../../packages/wasm-adapter/src/module/module-shape.js';
import { rewriteModule } from '../../packages/wasm-adapter/src/module/rewrite.js';
import { fateOf, mutate, randomOf } from '../fuzz/mutants.js';
import { texts } from '../fuzz/seeds.js';
import { wat } from '../helpers/wat.js';

const seeds = texts.map(wat);

test('the modules that are mutated can be pooled, and are restored exactly', async () => {
  for (const seed of seeds) expect(await fateOf(seed)).toBe('made');
});

test('whatever the bytes, what is read of a valid module can be rewritten, and the rest is refused', () => {
  const seed = Date.now() % 2 ** 31;
  const random = randomOf(seed);
  let valid = 0;
  for (let number = 0; number < 20_000; number++) {
    const mutant = mutate(seeds[number % seeds.length] ?? new Uint8Array(), random);
    const isValid = WebAssembly.validate(mutant);
    try {
      const shape = moduleShape(mutant);
      if (!isValid) continue;
      valid++;
      const extended = rewriteModule(mutant, shape, { exportState: true });
      expect(WebAssembly.validate(extended), `seed ${seed}, mutant ${number}`).toBe(true);
      const interruptible = rewriteModule(mutant, shape, { interruptible: true });
      expect(WebAssembly.validate(interruptible), `seed ${seed}, mutant ${number}`).toBe(true);
    } catch (error) {
      if (isValid || !(error instanceof RangeError)) {
        throw new Error(`seed ${seed}, mutant ${number}`, { cause: error });
      }
    }
  }
  expect(valid).toBeGreaterThan(100);
});
