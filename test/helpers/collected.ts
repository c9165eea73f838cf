import { setImmediate as turn } from 'node:timers/promises';

/** Whether nothing keeps the target of `ref` alive: forces collections, over some turns. */
export async function collected(ref: WeakRef<object>): Promise<boolean> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run with --expose-gc');
  for (let attempt = 0; attempt < 20; attempt++) {
    await turn();
    await gc({ type: 'major', execution: 'async' });
    if (ref.deref() === undefined) return true;
  }
  return false;
}
