// Tasks whose module fails to prepare its instance.
export function preinitialize(): never {
  throw new RangeError('there is no library');
}
