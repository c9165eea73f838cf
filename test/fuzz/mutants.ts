// Mutated modules on pools: whatever bytes are given, a pool is made or refused with a stable code, what a
// restored instance answers is what a new one does, and nothing else happens to the process.
import { createWasmPool, WasmError } from '@wasm-pool/wasm-adapter';

/** Numbers that look random, the same for the same seed: mulberry32. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Some bytes changed, left out, or put in twice. */
export function mutate(
  bytes: Uint8Array<ArrayBuffer>,
  random: (below: number) => number,
): Uint8Array<ArrayBuffer> {
  let mutant = bytes.slice();
  for (let change = random(4); change >= 0; change--) {
    const at = 8 + random(Math.max(mutant.length - 8, 1));
    const kind = random(4);
    if (kind === 0) mutant[at] = random(256);
    else if (kind === 1) mutant[at] = (mutant[at] ?? 0) ^ (1 << random(8));
    else {
      const end = Math.min(at + 1 + random(6), mutant.length);
      const parts =
        kind === 2
          ? [mutant.subarray(0, at), mutant.subarray(end)]
          : [mutant.subarray(0, end), mutant.subarray(at)];
      const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      joined.set(parts[0] as Uint8Array);
      joined.set(parts[1] as Uint8Array, (parts[0] as Uint8Array).length);
      mutant = joined;
    }
  }
  return mutant;
}

/** What must not go wrong with a module of any bytes. */
const limits = { memoryBytes: 2 ** 22, tableElements: 10_000, moduleBytes: 2 ** 20 };

/** What is known of a mutant, and how it was refused. */
export type Fate = 'made' | string;

/** Makes a pool of it, calls its exports, and compares a restored instance with a new one. */
export async function fateOf(mutant: Uint8Array<ArrayBuffer>): Promise<Fate> {
  const imports = importsOf(mutant);
  try {
    await using pool = await createWasmPool<Record<string, unknown>>(mutant, {
      max: 1,
      reset: 'restore',
      limits,
      imports,
    });
    const first = await pool.use(({ exports }) => answers(exports));
    const { borrowed } = pool;
    if (borrowed !== 0) throw new Error('a loan did not end');
    const second = await pool.use(({ exports }) => answers(exports));
    await using fresh = await createWasmPool<Record<string, unknown>>(mutant, {
      max: 1,
      limits,
      imports,
    });
    const third = await fresh.use(({ exports }) => answers(exports));
    for (const [name, answer] of [
      ['restored', second],
      ['new', third],
    ] as const) {
      if (answer !== first) throw new Error(`the ${name} one answers ${answer}, not ${first}`);
    }
    return 'made';
  } catch (error) {
    if (error instanceof WasmError) return error.code;
    throw error;
  }
}

/** Host functions that do nothing, and of all else what fits. */
function importsOf(bytes: Uint8Array<ArrayBuffer>) {
  return () => {
    const imports: Record<string, Record<string, unknown>> = {};
    if (!WebAssembly.validate(bytes)) return imports;
    for (const { module, name, kind } of WebAssembly.Module.imports(
      new WebAssembly.Module(bytes),
    )) {
      imports[module] ??= {};
      if (kind === 'function') imports[module][name] = () => 0;
      if (kind === 'memory')
        imports[module][name] = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    }
    return imports;
  };
}

/** The names of exports that cannot run for ever. */
const MAY_LOOP = /^(spin|recurse)$/;

/** Calls each export with small numbers; what it answers, as text. */
function answers(exports: Record<string, unknown>): string {
  const found: string[] = [];
  for (const name of Object.keys(exports)) {
    const call = exports[name];
    if (typeof call !== 'function' || MAY_LOOP.test(name)) continue;
    try {
      found.push(`${name} ${String(call(...Array(call.length).fill(1)))}`);
    } catch (error) {
      found.push(`${name} ${error instanceof Error ? error.constructor.name : error}`);
    }
  }
  return found.join('; ');
}
