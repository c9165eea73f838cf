// Tasks whose module returns what other threads cannot have.
export function preinitialize() {
  return () => 1;
}
