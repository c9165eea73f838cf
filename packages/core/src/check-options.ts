/** What an option accepts: in words, and as a test. */
export interface OptionCheck {
  readonly accepts: string;
  readonly test: (value: unknown) => boolean;
}

/** A bad option: names it, the value, and what is accepted. `code` is `ERR_POOL_OPTION`. */
export class OptionError extends TypeError {
  readonly code = 'ERR_POOL_OPTION';

  constructor(message: string) {
    super(message);
    this.name = 'OptionError';
  }
}

/** The longest delay that Node.js's timers take; they turn a longer one into 1 ms. */
export const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** A whole number of at least `least`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): OptionCheck {
  return {
    accepts:
      most === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${least}`
        : `a whole number from ${least} to ${most}`,
    test: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}

/** A whole number of milliseconds, 0 included. */
export const millis: OptionCheck = wholeNumber(0, MAX_TIMER_MILLIS);

/** A limit: a whole number of at least `least`, or Infinity for no limit. */
export function limit(least: number, most?: number): OptionCheck {
  const { accepts, test } = wholeNumber(least, most);
  return {
    accepts: `${accepts}, or Infinity`,
    test: (value) => value === Number.POSITIVE_INFINITY || test(value),
  };
}

/** A number of resources, or Infinity for all that there may be. */
export const countOrInfinity: OptionCheck = limit(0);

/** A time limit: a whole number of milliseconds, 0 included, or Infinity for no limit. */
export const millisOrInfinity: OptionCheck = limit(0, MAX_TIMER_MILLIS);

/** A boolean. */
export const aBoolean: OptionCheck = {
  accepts: 'true or false',
  test: (value) => typeof value === 'boolean',
};

/** Any string. */
export const anyString: OptionCheck = {
  accepts: 'a string',
  test: (value) => typeof value === 'string',
};

/** Why a resource is destroyed. */
export const aReason: OptionCheck = {
  accepts: 'a string, not empty',
  test: (value) => typeof value === 'string' && value !== '',
};

/**
 * Throws an `OptionError` for the first option of `given` that `checks` does not know or accept.
 * `undefined` stands for an option that is not given.
 */
export function checkOptions(
  where: string,
  given: object | undefined,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  if (given === undefined) return;
  checkIsObject(where, given, 'an object');
  for (const name in given) {
    // inherited ones take effect as well
    const value: unknown = given[name as keyof typeof given];
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const known = Object.keys(checks).sort().join(', ');
      throw new OptionError(`${where}: unknown option ${name}; accepted: ${known}`);
    }
    if (value !== undefined && !check.test(value)) {
      throw new OptionError(
        `${where}: ${name} is ${inspectValue(value)}; accepted: ${check.accepts}`,
      );
    }
  }
}

/** Throws an `OptionError` for something that cannot hold options. */
export function checkIsObject(where: string, given: unknown, accepts: string): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw new OptionError(`${where}: options is ${inspectValue(given)}; accepted: ${accepts}`);
}

/** A value as an error message shows it, cut where it is long. */
export function inspectValue(value: unknown): string {
  if (typeof value === 'function') return `a function`;
  const shown = typeof value === 'string' ? JSON.stringify(value) : inspectShallow(value);
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}

function inspectShallow(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return `${Array.isArray(value) ? 'an array' : 'an object'} (${Object.prototype.toString.call(value)})`;
}
