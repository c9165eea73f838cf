import { OptionError } from '@wasm-pool/core';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The milliseconds of `5s`, `250ms`, `1m30s` or `2h`; a number alone is in seconds, as wasmtime has it. */
export function parseDuration(flag: string, given: string): number {
  const text = /^\d+(\.\d+)?$/.test(given) ? `${given}s` : given;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const isWhole = parts.map(([part]) => part).join('') === text && parts.length > 0;
  const millis = parts.reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0),
    0,
  );
  if (isWhole && millis >= 1 && millis <= 2 ** 31 - 1) return Math.round(millis);
  throw new OptionError(
    `${flag} is ${JSON.stringify(given)}; accepted: a time from 1ms to 24 days, as in 5s, 250ms or 1m30s`,
  );
}
