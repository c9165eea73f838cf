// Modules by their bytes, for what wabt cannot write: WebAssembly Core, 5 "Binary Format".

type Bytes = readonly (number | Bytes)[];

const flat = (bytes: Bytes): number[] =>
  bytes.flatMap((it) => (typeof it === 'number' ? [it] : flat(it)));

/** An unsigned LEB128 number; with `width`, padded to as many bytes. */
export function number(value: number, width = 1): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128 || bytes.length + 1 < width; rest = Math.floor(rest / 128)) {
    bytes.push((rest & 127) | 128);
  }
  return [...bytes, rest];
}

export function text(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  return [...number(bytes.length), ...bytes];
}

/** Its length, then its items. */
export function vector(...items: Bytes): number[] {
  return [...number(items.length), ...flat(items)];
}

/** A section of a vector of items. */
export function section(id: number, ...items: Bytes): number[] {
  return raw(id, vector(...items));
}

/** A section whose content is not a vector. */
export function raw(id: number, content: Bytes): number[] {
  const bytes = flat(content);
  return [id, ...number(bytes.length), ...bytes];
}

/** A custom section. */
export function custom(name: string, ...content: Bytes): number[] {
  return raw(0, [text(name), content]);
}

export function assemble(...sections: Bytes): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...flat(sections)]);
}

export const Kind = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

/** An entry of the export section. */
export function exported(name: string, kind: keyof typeof Kind, index: number): number[] {
  return [...text(name), Kind[kind], ...number(index)];
}

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export const FUNCREF = 0x70;
export const EXTERNREF = 0x6f;
export const ANYREF = 0x6e;
export const EQREF = 0x6d;
export const I31REF = 0x6c;
export const EXNREF = 0x69;
export const NULLEXNREF = 0x74;
export const END = 0x0b;

/** `(func)`: the type section of most of these modules, and their function section. */
export const EMPTY_TYPE = [0x60, 0, 0];
export const TYPES = section(1, EMPTY_TYPE);
export const ONE_FUNCTION = section(3, 0);

/** A function's body with no locals. */
export function body(...code: Bytes): number[] {
  const bytes = [0, ...flat(code), END];
  return [...number(bytes.length), ...bytes];
}

export const ONE_BODY = section(10, body());
