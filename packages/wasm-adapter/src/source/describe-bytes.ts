/** Describes bytes that did not compile, in a few words, for an error message. */
export function describeBytes(bytes: Uint8Array): string {
  const size = `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}`;
  if (bytes.length === 0) return 'which is empty';
  if (isComponent(bytes)) return `a component of ${size}`;
  if (isWasm(bytes)) return `a core module of ${size} that is truncated, invalid or too new`;
  if (startsWith(bytes, 0x1f, 0x8b)) return `${size} of gzip`;
  if (startsWith(bytes, 0x50, 0x4b)) return `${size} of a zip archive`;
  const text = readableText(bytes.subarray(0, 200));
  if (text === undefined) return `${size} that are no module`;
  const kind = /^\s*<(!doctype|html|head|body|\?xml)/i.test(text) ? 'HTML' : 'text';
  return `${size} of ${kind} (${JSON.stringify(text.slice(0, 40))})`;
}

/**
 * Whether bytes begin as a component does. The preamble of a core module ends with version 1 in four
 * bytes. That of a component ends with a version in two bytes and layer 1 in two: Component Model,
 * Binary.md.
 */
export function isComponent(bytes: Uint8Array): boolean {
  return isWasm(bytes) && bytes.length >= 8 && bytes[6] === 1 && bytes[7] === 0;
}

function isWasm(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0x00, 0x61, 0x73, 0x6d);
}

function startsWith(bytes: Uint8Array, ...magic: number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function readableText(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters tell data from text
  return /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text.slice(0, -3)) ? undefined : text;
}
