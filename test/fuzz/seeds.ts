// Modules to mutate: without loops, so that no mutant of theirs runs for ever but by a changed branch, which
// fuzzing runs in a process of its own for.

/** What wabt is to read. */
export const features = { bulk_memory: true, reference_types: true, mutable_globals: true };

export const texts: readonly string[] = [
  `(module (memory (export "memory") 1 4) (global $count (mut i32) (i32.const 3))
     (table 4 funcref) (elem (i32.const 0) $bump $get)
     (data (i32.const 16) "some data")
     (func $bump (export "bump") (result i32)
       (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
     (func $get (export "get") (param i32) (result i32) (i32.load (i32.and (local.get 0) (i32.const 255))))
     (func (export "put") (param i32 i32) (i32.store (i32.const 64) (local.get 1)))
     (func (export "call") (param i32) (result i32) (call_indirect (result i32) (i32.const 0)))
     (func (export "grow") (result i32) (memory.grow (i32.const 1))))`,
  `(module (import "host" "log" (func $log (param i32))) (import "host" "memory" (memory 1 2))
     (table $t (export "t") 2 8 externref)
     (func (export "log") (call $log (i32.const 7)))
     (func (export "size") (result i32) (table.size $t))
     (func (export "more") (result i32) (table.grow $t (ref.null extern) (i32.const 1)))
     (func (export "store") (i64.store (i32.const 8) (i64.const -1))))`,
  `(module (memory 1) (data $passive "passive") (global (export "g") (mut i64) (i64.const 5))
     (global $f (mut f64) (f64.const 1.5))
     (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 4)))
     (func (export "load") (result i64) (i64.load (i32.const 0)))
     (func (export "scale") (result f64) (global.set $f (f64.mul (global.get $f) (f64.const 2))) (global.get $f))
     (func (export "trap") (unreachable))
     (func $start (i32.store (i32.const 32) (i32.const 99))) (start $start))`,
  `(module (memory 1) (table $t 4 funcref) (elem $e func $f $f) (data $d "data")
     (func $f (param i32) (result i32)
       (memory.copy (i32.const 0) (i32.const 9) (local.get 0)) (i32.const 1))
     (func (export "fill") (param i32) (local i64 f32 f32)
       (if (local.get 0) (then (memory.fill (i32.const 0) (i32.const 7) (local.get 0))))
       (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)))
     (func (export "table") (param i32) (result i32)
       (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
       (table.copy (i32.const 2) (i32.const 0) (local.get 0))
       (table.fill $t (i32.const 0) (ref.func $f) (local.get 0))
       (table.grow $t (ref.null func) (local.get 0))))`,
];
