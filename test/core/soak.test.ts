import { expect, test } from 'vitest';
import { long } from '../helpers/long.js';
import { growth, soak } from '../soak/core.js';

const LOANS = long ? 300_000 : 60_000;

// The same by the ten million: npm run soak
test(`${LOANS} loans with faults of all kinds leave nothing behind`, async () => {
  const soaked = await soak(LOANS, 3, Math.floor(Math.random() * 2 ** 31));
  const { lends, wrong, faults, seed } = soaked;
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  expect(lends).toBeGreaterThanOrEqual(LOANS);
  expect(Object.values(faults).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(LOANS / 30);
  expect(growth(soaked)).toBeLessThan(4 * 2 ** 20);
});
