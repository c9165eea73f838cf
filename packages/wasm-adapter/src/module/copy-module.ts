// The two modules that copies need beside the one that a pool has anyway.
//
// The prepared instance is made of the first: it exports all functions that a table or a global may
// hold, so that each can be told by its index, and leaves the start function to the host, so that
// tables can be read before any code runs.
//
// Copies are made of the second. Of the functions it exports those alone that have to be put
// somewhere. Its memories begin larger, because growing one later costs more, and takes its memory
// from under a loader that holds views of it:
//
// - Where nothing but the pool makes the instance, memories and tables begin at the size that those
//   of the prepared instance have. The start function is dropped, and no data is written that the
//   prepared state would replace.
// - Where a loader makes it, it runs code that may grow memories and tables itself, as it did in the
//   prepared instance. Memories begin larger by what `preinitialize` made them grow; tables begin as
//   they are, and grow when the state is laid over them, for nobody holds a view of a table.
import { messageOf, WasmError } from '../errors.js';
import type { ModuleShape } from './module-shape.js';
import { type ModuleChanges, rewriteModule } from './rewrite.js';

/** A module's bytes, and what they have been read and changed to. */
export interface ModuleBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly shape: ModuleShape;
  /** The changes that all instances of a pool have: its limits. */
  readonly changes: ModuleChanges;
}

/** What a copy has to begin with. */
export interface CopySizes {
  readonly memories: readonly { readonly byteLength: number }[];
  readonly grownBytes: readonly number[];
  readonly tables: readonly { readonly length: number }[];
}

/** The module of the prepared instance. Rejects with a `WasmError` `ERR_WASM_COMPILE`. */
export function modulePreparing({
  bytes,
  shape,
  changes,
}: ModuleBytes): Promise<WebAssembly.Module> {
  const exportFunctions = shape.functions.referenced;
  return compileChanged(
    rewriteModule(bytes, shape, {
      ...changes,
      exportState: true,
      exportFunctions,
      start: 'export',
    }),
  );
}

/**
 * The module of the copies. Rejects with a `WasmError` `ERR_WASM_COMPILE`.
 *
 * @param exportFunctions the functions that a copy is given, by index
 * @param hasLoader whether a loader makes the instances, and runs code of theirs
 */
export function moduleOfCopies(
  { bytes, shape, changes }: ModuleBytes,
  { memories, grownBytes, tables }: CopySizes,
  exportFunctions: Iterable<number>,
  hasLoader: boolean,
): Promise<WebAssembly.Module> {
  const { memoryLimits, tableLimits } = changes;
  const minBytes = (index: number) =>
    hasLoader
      ? (shape.memories[index]?.minBytes ?? 0) + (grownBytes[index] ?? 0)
      : memories[index]?.byteLength;
  return compileChanged(
    rewriteModule(bytes, shape, {
      ...changes,
      exportState: true,
      exportFunctions,
      memoryLimits: (index) => ({ ...memoryLimits?.(index), min: minBytes(index) }),
      ...(hasLoader
        ? {}
        : {
            tableLimits: (index) => ({ ...tableLimits?.(index), min: tables[index]?.length }),
            start: 'drop',
            emptyData: true,
          }),
    }),
  );
}

async function compileChanged(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const message = `could not compile the module with its state exported: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  }
}
