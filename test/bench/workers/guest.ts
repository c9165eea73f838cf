import wabt from 'wabt';

const { parseWat } = await wabt();

/** `add`; and `compute`, which takes as long as it is told turns. */
export const guest = new Uint8Array(
  parseWat(
    'guest.wat',
    `(module
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "compute") (param $turns i32) (result i32) (local $x i32)
        (local.set $x (i32.const 1))
        (loop $again
          (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
          (br_if $again
            (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
        (local.get $x)))`,
    {},
  ).toBinary({}).buffer,
);

export interface Guest {
  add(a: number, b: number): number;
  compute(turns: number): number;
}
