import { move, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { FitMode, type ImageConverterModule, RenderFormat } from 'wasm-image-optimization';
import createCodec from 'wasm-image-optimization/wasm-image-optimization.js';
import { refusalOf, tooLarge } from './refusal.js';
import type { Refusal, Thumbnail, Wanted } from './thumbnail.js';

/** The codec as embind shows it, and its memory, which the pool keeps an eye on. */
export type Codec = ImageConverterModule & { readonly memory: WebAssembly.Memory };

const FORMATS = { webp: RenderFormat.WebP, jpeg: RenderFormat.JPEG, avif: RenderFormat.AVIF };
const QUALITY = 80;
/** Of AVIF, from 0 to 10. */
const SPEED = 8;

/**
 * Has emscripten's loader make an instance of the pool's module. It is not made by `instance.link`:
 * embind's calls go through the module's table, where the pool does not see them fail. So all that a
 * task throws costs its instance, and an image that is refused is an answer, not an error.
 */
export async function instantiate(module: WebAssembly.Module): Promise<Codec> {
  const { promise, resolve } = Promise.withResolvers<WebAssembly.Instance>();
  const codec = await createCodec({
    instantiateWasm(imports, receive) {
      const instance = new WebAssembly.Instance(module, imports);
      resolve(instance);
      receive(instance);
      return instance.exports;
    },
  });
  const exported = Object.values((await promise).exports);
  const memory = exported.find((it) => it instanceof WebAssembly.Memory) as WebAssembly.Memory;
  return { ...codec, memory };
}

/** Decodes a photo, scales it down and encodes it again. */
export function thumbnail(
  { name, exports: codec }: WasmInstance<Codec>,
  photo: Uint8Array,
  { size, format }: Wanted,
  maxPixels: number,
): Thumbnail | Refusal {
  const startedMillis = performance.now();
  const refusal = refusalOf(photo, maxPixels);
  if (refusal !== undefined) return refusal;

  const image = codec.create_instance();
  const decoded = codec.load_image(image, photo);
  const original = [codec.get_original_width(image), codec.get_original_height(image)] as const;
  const disagreed = decoded ? tooLarge(...original, maxPixels) : undefined;
  if (disagreed !== undefined) {
    codec.destroy_instance(image);
    return disagreed;
  }
  if (decoded) scaleDown(codec, image, size);
  const encoded = decoded && codec.encode(image, FORMATS[format], QUALITY, SPEED, false);
  // What is encoded is still in the codec's memory, where the next image would overwrite it.
  const bytes = encoded ? encoded.slice() : undefined;
  const width = codec.get_width(image);
  const height = codec.get_height(image);
  codec.destroy_instance(image); // in no `finally`: an instance that threw is not called again

  if (bytes === undefined) {
    return { code: 'ERR_IMAGE_BROKEN', message: 'the image cannot be decoded' };
  }
  const ranMillis = performance.now() - startedMillis;
  return move({ bytes, width, height, madeBy: name, ranMillis }, [bytes.buffer]);
}

/** By halves: the codec looks at the nearest pixels only, and would pass over those between. */
function scaleDown(codec: Codec, image: unknown, size: number): void {
  let width = codec.get_original_width(image);
  let height = codec.get_original_height(image);
  const scale = size / Math.max(width, height);
  const least = (side: number) => Math.max(Math.round(side * scale), 1);
  const [leastWidth, leastHeight] = [least(width), least(height)];
  while (width > leastWidth || height > leastHeight) {
    width = Math.max(Math.ceil(width / 2), leastWidth);
    height = Math.max(Math.ceil(height / 2), leastHeight);
    codec.resize(image, width, height, FitMode.Fill);
  }
}
