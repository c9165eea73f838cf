import { builtinIfAny } from './builtin.js';

/** The external memory that V8 counts, in bytes; undefined on platforms that do not tell. */
export function externalBytes(): number | undefined {
  return globalThis.process?.memoryUsage?.().external;
}

/** How many more bytes V8's heap can take; undefined on platforms that do not tell. */
export function heapRoomBytes(): number | undefined {
  const statistics = builtinIfAny('node:v8')?.getHeapStatistics?.();
  return statistics && statistics.heap_size_limit - statistics.used_heap_size;
}
