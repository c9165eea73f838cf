import { JPG } from 'image-size/types/jpg';
import { PNG } from 'image-size/types/png';
import { WEBP } from 'image-size/types/webp';
import type { Refusal } from './thumbnail.js';

/**
 * Says why an image is not to be decoded, from its first bytes. A file of a few kilobytes can have
 * gigabytes of pixels, so this comes before the codec; and other people's bytes are read, so it runs
 * in the worker. It saves time only: a file can be made so that this reads another size than the codec,
 * whose own word, and memory, is what holds.
 */
export function refusalOf(image: Uint8Array, maxPixels: number): Refusal | undefined {
  try {
    const type = [JPG, PNG, WEBP].find((it) => it.validate(image));
    if (type === undefined) {
      return { code: 'ERR_IMAGE_TYPE', message: 'this is no image; accepted: JPEG, PNG, WebP' };
    }
    if (type === JPG) return firstTooLarge(frameSizes(image), maxPixels);
    const { width, height } = type.calculate(image);
    return tooLarge(width, height, maxPixels);
  } catch {
    return { code: 'ERR_IMAGE_BROKEN', message: 'the image says nowhere how large it is' };
  }
}

/** Says that an image has too many pixels; undefined where it has not. */
export function tooLarge(width: number, height: number, maxPixels: number): Refusal | undefined {
  if (width * height <= maxPixels) return undefined;
  const message = `the image has ${width} × ${height} pixels; accepted: ${maxPixels} in all`;
  return { code: 'ERR_IMAGE_PIXELS', message };
}

type Size = readonly [width: number, height: number];

function firstTooLarge(sizes: readonly Size[], maxPixels: number): Refusal | undefined {
  if (sizes.length === 0) throw new Error('no frame');
  for (const [width, height] of sizes) {
    const refusal = tooLarge(width, height, maxPixels);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The first marker of a frame, the last, and those between that begin something else. */
const SOF0 = 0xc0;
const SOF15 = 0xcf;
const NO_FRAME: readonly number[] = [0xc4, 0xc8, 0xcc];

/** Start of scan: the entropy-coded data follows. */
const SOS = 0xda;

/**
 * The sizes of all frames of a JPEG, read as codecs read it: what is no marker is passed over, and any
 * number of fill bytes before one (T.81, B.1.1.2), which image-size does not allow for.
 */
function frameSizes(image: Uint8Array): readonly Size[] {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const sizes: Size[] = [];
  let at = 2;
  for (;;) {
    while (at < image.length && image[at] !== 0xff) at++;
    while (image[at] === 0xff) at++;
    const marker = image[at++];
    if (marker === undefined || marker === SOS) return sizes;
    if (marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)) continue; // no length
    if (at + 2 > image.length) return sizes;
    const isFrame = marker >= SOF0 && marker <= SOF15 && !NO_FRAME.includes(marker);
    if (isFrame && at + 7 <= image.length) {
      sizes.push([view.getUint16(at + 5), view.getUint16(at + 3)]);
    }
    at += view.getUint16(at);
  }
}
