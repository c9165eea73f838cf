/** An unsigned LEB128 number, as short as it can be: WebAssembly Core, 5.2.2 "Integers". */
export function unsignedLeb(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** A name: its length in bytes, then the bytes. */
export function utf8WithLength(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return concat(unsignedLeb(bytes.length), bytes);
}

/** All parts, one behind the other. Many go in an array: arguments have to fit on the stack. */
export function concat(
  ...given: readonly (Uint8Array | readonly Uint8Array[])[]
): Uint8Array<ArrayBuffer> {
  const parts = given.flat();
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
