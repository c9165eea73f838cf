// Values of globals and tables, in terms that mean the same in any instance of the module.
//
// A function of the instance is its index in the module: the other instance has its own function of
// that index. A function (or another object) that the instance imported is the import's name: the
// other instance has imported its own. Numbers, strings and the like are themselves. Anything else,
// an object of the host or a function of a third instance, is a reference out of the instance: the
// two would share it, which is no copy.
import type { ModuleShape } from '../../module/module-shape.js';
import { functionExportName } from '../../module/private-exports.js';
import type { WasmImports } from '../link.js';

/** A JavaScript value that is the same wherever it is. */
export type Primitive = undefined | null | boolean | number | bigint | string | symbol;

/** A value that can be made again in another instance. */
export type PortableValue =
  | { readonly value: Primitive }
  /** A function of the module, by its index. */
  | { readonly function: number }
  /** The guard of an export, by its name: what the host has of the instance. */
  | { readonly guarded: string }
  | { readonly import: readonly [module: string, name: string] };

/** An instance, as far as it takes part in references. */
export interface Referable {
  readonly module: WebAssembly.Module;
  readonly shape: ModuleShape;
  readonly exports: WebAssembly.Exports;
  readonly imports: WasmImports;
  /** The exports as the host has them. */
  readonly guarded: Readonly<Record<string, unknown>>;
}

/** Finds the portable values of one instance. */
export class References {
  readonly #functions = new Map<unknown, PortableValue>();
  readonly #imports = new Map<unknown, PortableValue>();

  /** @param instance one whose module exports all functions that there can be references to */
  constructor({ module, shape, exports, imports, guarded }: Referable) {
    for (const [name, value] of Object.entries(guarded)) {
      if (typeof value === 'function') this.#functions.set(value, { guarded: name });
    }
    const { referenced, exportedAs } = shape.functions;
    for (const index of [...exportedAs.keys(), ...referenced]) {
      this.#functions.set(exports[functionExportName(index, shape)], { function: index });
    }
    for (const from of WebAssembly.Module.imports(module)) {
      const given = imports[from.module]?.[from.name];
      if (!isPrimitive(given)) this.#imports.set(given, { import: [from.module, from.name] });
    }
  }

  /** The value in terms of any instance; undefined where there are none. */
  describe(value: unknown): PortableValue | undefined {
    if (isPrimitive(value)) return { value };
    return this.#functions.get(value) ?? this.#imports.get(value);
  }
}

/** The value that an instance has for a portable one. */
export function valueIn(
  { shape, exports, imports, guarded }: Omit<Referable, 'module'>,
  portable: PortableValue,
): unknown {
  if ('function' in portable) return exports[functionExportName(portable.function, shape)];
  if ('guarded' in portable) return guarded[portable.guarded];
  if ('import' in portable) return imports[portable.import[0]]?.[portable.import[1]];
  return portable.value;
}

function isPrimitive(value: unknown): value is Primitive {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}
