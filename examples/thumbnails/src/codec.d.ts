declare module 'wasm-image-optimization/wasm-image-optimization.js' {
  import type { ImageConverterModule } from 'wasm-image-optimization';

  /** What emscripten generated: `instantiateWasm` makes the instance in its place. */
  export default function createCodec(options: {
    instantiateWasm(
      imports: WebAssembly.Imports,
      receive: (instance: WebAssembly.Instance) => void,
    ): WebAssembly.Exports;
  }): Promise<ImageConverterModule>;
}
