/** The guests of the program, in the text format: they are assembled when the program is built. */
export const texts = {
  /** Counts in a private global and in a private memory; `spin` never ends. */
  counter: `(module
    (memory 1)
    (global $count (mut i32) (i32.const 0))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "next") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 10)))
      (i32.add (global.get $count) (i32.load (i32.const 64))))
    (func (export "spin") (loop $again (br $again))))`,

  /** Calls a function of the host. */
  asker: `(module
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (func (export "ask") (param i32) (result i32) (call $ask (local.get 0))))`,

  /** Computes for as long as it is asked to. */
  fib: `(module (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`,
} as const;
