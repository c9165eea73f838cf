/** The external memory that V8 counts, in bytes; undefined on platforms that do not tell. */
export function externalBytes(): number | undefined {
  return globalThis.process?.memoryUsage?.().external;
}
