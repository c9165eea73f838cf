// The value of one mutable global.
//
// Numbers are read and set through JavaScript, which keeps each bit of an integer and of any float
// but one: of a NaN it may change the bits that say nothing to JavaScript, and that a guest may have
// put there (NaN boxing keeps pointers in them). A float global that holds a NaN is therefore not
// copied, and not restored: WebAssembly JS API, "ToJSValue". A v128 cannot be read at all.

const F32 = 0x7d;
const F64 = 0x7c;

/** Whether a value, read of a global of a type, has all that the global has. */
export function isExact(value: unknown, type: number): boolean {
  return !((type === F32 || type === F64) && Number.isNaN(value));
}
