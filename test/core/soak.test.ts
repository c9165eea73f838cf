import { expect, test } from 'vitest';
import { growth, soak } from '../soak/core.js';

// The same by the ten million: npm run soak
test('300,000 loans with faults of all kinds leave nothing behind', async () => {
  const soaked = await soak(300_000, 3, Math.floor(Math.random() * 2 ** 31));
  const { lends, wrong, faults, seed } = soaked;
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  expect(lends).toBeGreaterThanOrEqual(300_000);
  expect(Object.values(faults).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(10_000);
  expect(growth(soaked)).toBeLessThan(4 * 2 ** 20);
});
