import { WasmError } from '../../errors.js';
import { describeKind, type WasmImports } from '../link.js';
import { isClass } from './guard-component.js';

/** The packages of WASI that a pool has by itself. */
type PackageOfPool = 'cli' | 'clocks' | 'filesystem' | 'http' | 'io' | 'random' | 'sockets';

/**
 * What of the `ImportObject` that jco's types declare has to be among a pool's `imports`: neither the
 * parts of WASI that the pool has, nor interfaces that declare types only.
 */
export type ComponentImports<ImportObject> = {
  [Name in keyof ImportObject as Name extends `wasi:${PackageOfPool}/${string}`
    ? never
    : keyof ImportObject[Name] extends never
      ? never
      : Name]: ImportObject[Name];
};

export type HostFunction = (...args: unknown[]) => unknown;

/**
 * What jco's code takes its imports from: `own` first, then WASI's. It looks up interfaces by their
 * name, mostly without the version, and then each function; a function of the world itself is the
 * `default` of an interface of that name. Looking up what is not there throws a `WasmError`
 * `ERR_WASM_LINK`.
 *
 * @param wasi gives a WASI interface by the name that is looked up
 * @param unversioned of which versions the interfaces are that are looked up without one
 * @param name the instance's, for errors
 * @param watch what to have called in place of a function that `own` has
 */
export function componentImports(
  own: WasmImports,
  wasi: (interfaceName: string) => object | undefined,
  unversioned: ReadonlyMap<string, readonly string[]>,
  name: string,
  watch: (call: HostFunction) => HostFunction,
): object {
  const lookUp = (interfaceName: string) => {
    const given = find(own, interfaceName, unversioned.get(interfaceName) ?? []);
    return lookUps((member) => {
      const isWorlds = typeof given === 'function' && member === 'default';
      const first = isWorlds ? given : memberOf(given, member);
      const value = first ?? memberOf(wasi(interfaceName), member);
      if (typeof value === 'function') {
        return value === first && !isClass(value) ? watch(value as HostFunction) : value;
      }
      const what = value === undefined ? 'it is missing' : `it is ${describeKind(value)}`;
      const wanted = member === 'default' ? interfaceName : `${interfaceName}#${member}`;
      throw new WasmError(
        'ERR_WASM_LINK',
        `${name}: the component imports ${wanted}, and ${what} in the imports given`,
      );
    });
  };
  return lookUps(lookUp);
}

function lookUps(get: (name: string) => unknown): object {
  return new Proxy(Object.create(null), {
    get: (_, name) => (typeof name === 'string' ? get(name) : undefined),
  });
}

/** An interface in an import object; only where both names have a version do these have to fit. */
function find(own: WasmImports, interfaceName: string, versions: readonly string[]): unknown {
  if (Object.hasOwn(own, interfaceName)) return own[interfaceName];
  const [bare, version] = interfaceName.split('@');
  const wanted = version === undefined ? versions : [version];
  const match = Object.keys(own).find((it) => {
    const [ownBare, ownVersion] = it.split('@');
    if (ownBare !== bare) return false;
    if (ownVersion === undefined || wanted.length === 0) return true;
    return wanted.some((one) => track(ownVersion) === track(one));
  });
  return match && own[match];
}

/** What compatible versions have in common: Component Model, Explainer.md, "canonical interface names". */
function track(version: string): string | undefined {
  return /^([1-9]\d*|0\.[1-9]\d*|0\.0\.\d+)(?!\d)(?!.*-)/.exec(version)?.[0] ?? version;
}

function memberOf(owner: unknown, name: string): unknown {
  if (typeof owner !== 'object' || owner === null) return undefined;
  return Reflect.get(owner, name);
}
