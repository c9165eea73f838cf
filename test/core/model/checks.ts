import type { Reference } from './reference.js';
import { must } from './violation.js';

/** After each call of the pool: everything that it had to do at once is done. */
export function checkCalm(model: Reference): void {
  const { places, mostLimit, burst, size, ending, idle } = model;
  for (const [{ id }, place] of places) {
    must(place.at !== 'due', `resource ${id} is still ${model.describe(place)}`);
  }
  must(size <= mostLimit + burst, `${size} resources`);
  must(!ending.closed || idle.length === 0, 'idle after close');
  model.creations.checkCalm();
}

/** Once promises have settled: nobody waits for what could be had, and every verdict is known. */
export function checkFair(model: Reference): void {
  const { places, setup, waiting, idle } = model;
  for (const [{ id }, { at, reasons }] of places) {
    const asked = at === 'validating' || at === 'recycling';
    must(!asked || reasons.length === 0, `resource ${id} was to be destroyed`);
  }
  const tested = setup.testOnBorrow ? model.count('validating') : 0;
  must(idle.length === 0 || waiting.length <= tested, 'waits beside an idle one');
  model.creations.checkFair();
}

/** Once all timers of this millisecond have fired: nothing takes longer than it may. */
export function checkTimely(model: Reference): void {
  const { places, setup, waiting, ending } = model;
  const { createTimeoutMillis, idleTimeoutMillis } = setup;
  const now = model.now();
  for (const { deadline } of waiting) must(deadline > now, 'waits past its timeout');
  for (const [{ id }, { at, since }] of places) {
    const rested = now - since;
    if (at === 'validating' || at === 'recycling') {
      must(createTimeoutMillis === 0 || rested < createTimeoutMillis, `${id} is asked on`);
    }
    if (at === 'idle' && idleTimeoutMillis > 0 && !ending.draining) {
      must(rested <= idleTimeoutMillis + 3 * evictionRound(model), `resource ${id} idles on`);
    }
  }
  must(!ending.closed || !ending.forced || places.size === 0, 'close was not enforced');
  model.creations.checkTimely();
}

/** How long the evictor may take to look at every idle resource. */
function evictionRound({ setup }: Reference): number {
  const { evictionRunIntervalMillis, idleTimeoutMillis, softIdleTimeoutMillis } = setup;
  if (evictionRunIntervalMillis > 0) return 4 * evictionRunIntervalMillis; // three of them a run
  const times = [idleTimeoutMillis, softIdleTimeoutMillis].filter((it) => it > 0);
  return Math.max(10, Math.ceil(Math.min(...times) / 2));
}
