import wabt from 'wabt';

const assembler = await wabt();

/** Whatever wabt can read; V8 says what it accepts. */
export const features = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  function_references: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  memory64: true,
  multi_memory: true, // not in wabt's own types
  extended_const: true,
  relaxed_simd: true,
};

/** The bytes of a module in the text format. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const parsed = assembler.parseWat('inline.wat', text, features);
  try {
    return new Uint8Array(parsed.toBinary({}).buffer);
  } finally {
    parsed.destroy();
  }
}

/** The compiled module of a text. */
export function watModule(text: string): WebAssembly.Module {
  return new WebAssembly.Module(wat(text));
}
