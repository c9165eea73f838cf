import { wat } from '../../helpers/wat.js';

/** A host function's promise, settled by the test. */
export class Gate<V = number> {
  readonly promise: Promise<V>;
  open!: (value: V) => void;
  fail!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}

export interface Asking {
  memory: WebAssembly.Memory;
  /** Where the shadow stack ends. */
  stack: WebAssembly.Global<'i32'>;
  /** Puts the value in a frame on the shadow stack, waits, and adds the answer to it. */
  ask(value: number): Promise<number>;
  /** The same with a trap after the answer. */
  askAndTrap(value: number): Promise<number>;
  /** The same twice. */
  askTwice(value: number): Promise<number>;
  /** Calls `note` before and after. */
  noted(value: number): Promise<number>;
  plain(): number;
}

/** A guest with a shadow stack, as toolchains make them, that waits for the host. */
export const asking = wat(`(module
  (import "env" "answer" (func $answer (param i32) (result i32)))
  (import "env" "note" (func $note (param i32)))
  (memory (export "memory") 1)
  (global $stack (export "stack") (mut i32) (i32.const 65536))
  (func $ask (export "ask") (param i32) (result i32) (local $frame i32) (local $answer i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
    (local.set $frame (global.get $stack))
    (i32.store (local.get $frame) (local.get 0))
    (local.set $answer (call $answer (local.get 0)))
    (local.set $answer (i32.add (local.get $answer) (i32.load (local.get $frame))))
    (global.set $stack (i32.add (local.get $frame) (i32.const 16)))
    (local.get $answer))
  (func (export "askAndTrap") (param i32) (result i32)
    (drop (call $ask (local.get 0)))
    unreachable)
  (func (export "askTwice") (param i32) (result i32)
    (i32.add (call $ask (local.get 0)) (call $ask (i32.add (local.get 0) (i32.const 1)))))
  (func (export "noted") (param i32) (result i32) (local $answer i32)
    (call $note (i32.const 1))
    (local.set $answer (call $ask (local.get 0)))
    (call $note (i32.const 2))
    (local.get $answer))
  (func (export "plain") (result i32) (i32.const 42)))`);
