/** Fills all of it with random bytes. */
export type WasiRandom = (bytes: Uint8Array<ArrayBuffer>) => void;

/** The most that Web Cryptography gives at once: its "getRandomValues method". */
const MAX_BYTES = 65_536;

/** Asking for a few bytes costs as much as for some hundreds: they are made ahead, as in `randomUUID`. */
const AHEAD_BYTES = 4096;

const ahead = new Uint8Array(AHEAD_BYTES);
let used = AHEAD_BYTES;

/** Fills memory of a guest with bytes that nobody can foretell, or with those of `own`. */
export function fillRandom(target: Uint8Array, own: WasiRandom | undefined): void {
  if (own === undefined && target.length <= AHEAD_BYTES / 8) {
    if (used + target.length > AHEAD_BYTES) {
      crypto.getRandomValues(ahead);
      used = 0;
    }
    target.set(ahead.subarray(used, used + target.length));
    ahead.fill(0, used, used + target.length); // nobody gets them again
    used += target.length;
    return;
  }
  const part = new Uint8Array(Math.min(target.length, MAX_BYTES));
  for (let at = 0; at < target.length; at += part.length) {
    const bytes = part.subarray(0, Math.min(part.length, target.length - at));
    if (own === undefined) crypto.getRandomValues(bytes);
    else own(bytes);
    target.set(bytes, at);
  }
}
