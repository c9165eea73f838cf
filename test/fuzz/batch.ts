// 300 mutants of one seed: `node batch.ts SEED`.
import { fateOf, mutate, randomOf } from './mutants.ts';

// The seeds are made by wabt, whose helper is written for the tests' own loader.
const { default: wabt } = await import('wabt');
const { texts, features } = await import('./seeds.ts');
const assembler = await wabt();
const seeds = texts.map(
  (text) => new Uint8Array(assembler.parseWat('seed.wat', text, features).toBinary({}).buffer),
);
const random = randomOf(Number(process.argv[2]));
const fates: Record<string, number> = {};
for (let number = 0; number < 300; number++) {
  const seed = seeds[random(seeds.length)] ?? new Uint8Array();
  let mutant = mutate(seed, random);
  // Most are not valid, which is soon said; of valid ones there is more to see.
  for (let tries = 0; tries < 40 && !WebAssembly.validate(mutant); tries++) {
    mutant = mutate(seed, random);
  }
  try {
    const fate = await fateOf(mutant);
    fates[fate] = (fates[fate] ?? 0) + 1;
  } catch (error) {
    console.error(`mutant ${number}: ${Buffer.from(mutant).toString('base64')}`);
    throw error;
  }
}
console.log(JSON.stringify(fates));
