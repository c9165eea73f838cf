// Runs on each thread, a Web Worker.
import createCodec from '/codec/wasm-image-optimization.js';

const FORMATS = { webp: 2, jpeg: 4, avif: 5 };
const FILL = 2;
const QUALITY = 80;
const SPEED = 8;

/** Has the codec's own loader make an instance of the pool's module. */
export async function instantiate(module) {
  const { promise, resolve } = Promise.withResolvers();
  const codec = await createCodec({
    instantiateWasm(imports, receive) {
      const instance = new WebAssembly.Instance(module, imports);
      resolve(instance);
      receive(instance);
      return instance.exports;
    },
  });
  const memory = Object.values((await promise).exports).find(
    (it) => it instanceof WebAssembly.Memory,
  );
  return { ...codec, memory };
}

/** Decodes a picture, scales it down and encodes it again. Undefined: the codec cannot read it. */
export function scale({ name, exports: codec }, picture, { size, format }) {
  const started = performance.now();
  const image = codec.create_instance();
  const decoded = codec.load_image(image, picture);
  if (decoded) scaleDown(codec, image, size);
  const encoded = decoded && codec.encode(image, FORMATS[format], QUALITY, SPEED, false);
  // What is encoded is still in the codec's memory, where the next picture would overwrite it.
  const bytes = encoded ? encoded.slice() : undefined;
  const result = { width: codec.get_width(image), height: codec.get_height(image) };
  codec.destroy_instance(image);
  return bytes && { ...result, bytes, madeBy: name, millis: performance.now() - started };
}

/** By halves: the codec looks at the nearest pixels only, and would pass over those between. */
function scaleDown(codec, image, size) {
  let width = codec.get_original_width(image);
  let height = codec.get_original_height(image);
  const factor = size / Math.max(width, height);
  const [least, leastHeight] = [width, height].map((it) => Math.max(Math.round(it * factor), 1));
  while (width > least || height > leastHeight) {
    width = Math.max(Math.ceil(width / 2), least);
    height = Math.max(Math.ceil(height / 2), leastHeight);
    codec.resize(image, width, height, FILL);
  }
}
