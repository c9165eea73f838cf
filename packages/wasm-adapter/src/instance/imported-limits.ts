import { WasmError } from '../errors.js';
import { concat, unsignedLeb, utf8WithLength } from '../module/byte-writer.js';
import { limitError, type ModuleLimits, minElementsOf } from '../module/limits.js';
import type { ModuleShape } from '../module/module-shape.js';
import { heapRoomBytes } from '../platform/memory.js';
import type { WasmImports } from './link.js';

/** Tables of fewer elements are made without a look at V8's heap. */
const MANY_ELEMENTS = 1_000_000;

/** What V8 takes of its heap for each element while it makes a table, in bytes. */
const ELEMENT_BYTES = 16;

/**
 * Throws a `WasmError` `ERR_WASM_MEMORY` where V8's heap has no room for the tables that a module
 * defines: V8 would end the process.
 */
export function assertRoomForTables({ tables }: ModuleShape, name: string): void {
  const elements = minElementsOf(tables.filter((it) => !it.imported));
  const room = elements > MANY_ELEMENTS ? heapRoomBytes() : undefined;
  if (room === undefined || elements * ELEMENT_BYTES < room) return;
  const message = `${name}: V8's heap has ${room} bytes left, which are too few for ${elements} table elements; lower max or limits.tableElements, or raise --max-old-space-size`;
  throw new WasmError('ERR_WASM_MEMORY', message);
}

/**
 * Throws a `WasmError` `ERR_WASM_LIMIT` where an imported memory or table could grow beyond the limits
 * of its pool. Its maximum is set by whoever made it, and JavaScript cannot read it: a module that
 * imports it with a lower one tells.
 */
export function assertImportsWithinLimits(
  module: WebAssembly.Module,
  shape: ModuleShape,
  imports: WasmImports,
  limits: ModuleLimits,
  name: string,
): void {
  if (!limits.given || ![...shape.memories, ...shape.tables].some((it) => it.imported)) return;
  const counts = { memory: 0, table: 0 };
  for (const { kind, module: from, name: item } of WebAssembly.Module.imports(module)) {
    if (kind !== 'memory' && kind !== 'table') continue;
    const index = counts[kind]++;
    const most = limits.importedMaximum(shape, kind, index);
    const given = imports[from]?.[item];
    if (most === undefined || given === undefined) continue;
    if (isWithin(given, shape, kind, index, most)) continue;
    const accepted = `one whose maximum is ${most} ${kind === 'memory' ? 'bytes' : 'elements'} or less`;
    throw limitError(
      `${name}: the imported ${kind} ${from}.${item} can grow beyond limits; accepted: ${accepted}`,
    );
  }
}

/** WebAssembly Core, 3.4.4 "Limits": what is imported may have a lower maximum, and no higher one. */
function isWithin(
  given: unknown,
  { memories, tables }: ModuleShape,
  kind: 'memory' | 'table',
  index: number,
  most: number,
): boolean {
  let type: Uint8Array;
  if (kind === 'table') {
    const reference = tables[index]?.type ?? 0;
    type = concat(Uint8Array.of(1, reference, 1, 0), unsignedLeb(most));
  } else {
    const { shared = false, is64Bit = false } = memories[index] ?? {};
    const flags = 1 + (shared ? 2 : 0) + (is64Bit ? 4 : 0);
    type = concat(Uint8Array.of(2, flags, 0), unsignedLeb(Math.floor(most / 65_536)));
  }
  const content = concat(Uint8Array.of(1), utf8WithLength('e'), utf8WithLength('m'), type);
  const preamble = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const probe = concat(preamble, Uint8Array.of(2), unsignedLeb(content.length), content);
  try {
    new WebAssembly.Instance(new WebAssembly.Module(probe), {
      e: { m: given },
    } as WebAssembly.Imports);
    return true;
  } catch {
    return false;
  }
}
