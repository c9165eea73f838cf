import { inspectValue } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import { type NameKind, readNames } from './component-names.js';

/**
 * What names may be made of. jco writes names into the JavaScript that it generates, between quotes or
 * as identifiers, and core names unescaped: a name with a quote in it is code. Here is what is known
 * to be harmless in a string of any kind, in a comment and in an identifier; all else is refused.
 *
 * Letters, digits and marks of any script, and of ASCII what is neither a quote nor a backslash.
 */
const HARMLESS = /^[\p{L}\p{N}\p{M} !#$%&()*+,\-./:;<=>?@[\]^_{|}~]*$/u;

/** What would end a comment, begin a placeholder of a template, or end a script in a page. */
const ENDS = /\*\/|\$\{|<\/|<!--/;

/** Component Model, Explainer.md: `plainname` with its annotations, `interfacename`. Nothing imported by URL or hash. */
const EXTERN = /^(?:\[[a-z]+(?: [a-z]+)?(?:=<[A-Za-z0-9:/@.+-]+>)?\])?[A-Za-z][A-Za-z0-9:/@.+-]*$/;

/** Component Model, Explainer.md: `label`. */
const LABEL = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/;

const accepted: Readonly<Record<NameKind, string>> = {
  core: 'letters, digits and ASCII punctuation without quotes, backslashes, */, ${, </ and <!--',
  extern: 'names of functions, interfaces and resources, as WIT has them',
  label: 'words of letters and digits with hyphens between them, as WIT has them',
};

/** As a key of an object literal it would be its prototype. */
const PROTOTYPE = '__proto__';

function isHarmless(name: string, kind: NameKind): boolean {
  if (kind === 'label') return LABEL.test(name);
  if (kind === 'extern') return EXTERN.test(name);
  return HARMLESS.test(name) && !ENDS.test(name) && name !== PROTOTYPE;
}

/** The names of a component, read before anything is made of it. */
export interface CheckedNames {
  /** The names of imports and exports, at all levels. */
  readonly externs: ReadonlySet<string>;
  /** Why there may be more names than were read; undefined where these are all. */
  readonly unreadable: string | undefined;
}

/**
 * Reads and checks all names of a component. Throws a `WasmError` `ERR_WASM_COMPONENT` with the first
 * that may not come into generated code.
 */
export function checkNames(bytes: Uint8Array, componentName: string): CheckedNames {
  const externs = new Set<string>();
  try {
    readNames(bytes, (name, kind) => {
      if (!isHarmless(name, kind)) throw harmful(componentName, name, kind);
      if (kind === 'extern') externs.add(name);
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { externs, unreadable: error.message };
  }
  return { externs, unreadable: undefined };
}

function harmful(componentName: string, name: string, kind: NameKind): WasmError {
  const message = `${componentName} is a component with the ${kind} name ${inspectValue(name)}, which could become part of generated code; accepted: ${accepted[kind]}`;
  return new WasmError('ERR_WASM_COMPONENT', message);
}
