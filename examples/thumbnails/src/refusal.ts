import { JPG } from 'image-size/types/jpg';
import { PNG } from 'image-size/types/png';
import { WEBP } from 'image-size/types/webp';
import type { Refusal } from './thumbnail.js';

/**
 * Says why an image is not to be decoded, from its first bytes. A file of a few kilobytes can have
 * gigabytes of pixels, so this comes before the codec; and other people's bytes are read, so it runs
 * in the worker.
 */
export function refusalOf(image: Uint8Array, maxPixels: number): Refusal | undefined {
  try {
    const type = [JPG, PNG, WEBP].find((it) => it.validate(image));
    if (type === undefined) {
      return { code: 'ERR_IMAGE_TYPE', message: 'this is no image; accepted: JPEG, PNG, WebP' };
    }
    const { width, height } = type.calculate(image);
    if (width * height <= maxPixels) return undefined;
    const message = `the image has ${width} × ${height} pixels; accepted: ${maxPixels} in all`;
    return { code: 'ERR_IMAGE_PIXELS', message };
  } catch {
    return { code: 'ERR_IMAGE_BROKEN', message: 'the image says nowhere how large it is' };
  }
}
