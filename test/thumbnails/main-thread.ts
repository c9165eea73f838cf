import { createRequire } from 'node:module';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { type Codec, instantiate, thumbnail } from '../../examples/thumbnails/dist/tasks.js';
import type { Wanted } from '../../examples/thumbnails/dist/thumbnail.js';
import { RenderFormat } from '../../examples/thumbnails/node_modules/wasm-image-optimization/dist/single.js';

const { resolve } = createRequire(
  new URL('../../examples/thumbnails/package.json', import.meta.url),
);
const pool = await createWasmPool<Codec>(
  resolve('wasm-image-optimization/wasm-image-optimization.wasm'),
  { instantiate },
);

/** The thumbnail as the same codec makes it here. */
export function madeHere(photo: Uint8Array, wanted: Wanted): Uint8Array {
  const made = pool.useSync((instance) => thumbnail(instance, photo, wanted, 1e9));
  if (!('bytes' in made)) throw new Error(made.message);
  return made.bytes;
}

export interface Pixels {
  width: number;
  height: number;
  /** Four bytes for each. */
  rgba: Uint8Array;
}

/** Decodes a file. */
export function pixelsOf(file: Uint8Array): Pixels {
  return pool.useSync(({ exports: codec }) => {
    const image = codec.create_instance();
    if (!codec.load_image(image, file)) throw new Error('it cannot be decoded');
    const [width, height] = [codec.get_original_width(image), codec.get_original_height(image)];
    const rgba = codec.encode(image, RenderFormat.RAW, 100, 0, false)?.slice() ?? new Uint8Array();
    codec.destroy_instance(image);
    return { width, height, rgba };
  });
}

/** Scales down in the plainest way: each pixel is the mean of those that it stands for. */
export function meansOf({ width, rgba, ...from }: Pixels, to: { width: number; height: number }) {
  const sums = new Float64Array(to.width * to.height * 4);
  const counts = new Uint32Array(to.width * to.height);
  for (let y = 0; y < from.height; y++) {
    const row = Math.floor((y * to.height) / from.height) * to.width;
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor((x * to.width) / width);
      counts[at] = (counts[at] ?? 0) + 1;
      for (let channel = 0; channel < 4; channel++) {
        const sum = sums[at * 4 + channel] ?? 0;
        sums[at * 4 + channel] = sum + (rgba[(y * width + x) * 4 + channel] ?? 0);
      }
    }
  }
  return sums.map((sum, at) => sum / (counts[at >> 2] ?? 1));
}

/** How far apart two pictures are: the mean of the differences of all bytes. */
export function distance(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += Math.abs((one[at] ?? 0) - (other[at] ?? 0));
  return sum / one.length;
}
