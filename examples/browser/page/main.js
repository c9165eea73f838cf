import { createWasmWorkerPool, WasmError } from '@wasm-pool/wasm-adapter';
import { Gallery } from './gallery.js';
import { showPool } from './pool-panel.js';
import { drawPictures } from './samples.js';

const byId = (id) => document.getElementById(id);

try {
  const pool = await createWasmWorkerPool(fetch('/codec/wasm-image-optimization.wasm'), {
    name: 'codec',
    module: new URL('/tasks.js', location),
    max: Math.min(navigator.hardwareConcurrency, 8),
    min: 1,
    callTimeoutMillis: 60_000, // a picture that takes longer costs its own thread only
    maxMemoryBytes: 256 * 2 ** 20,
  });
  const gallery = new Gallery(byId('gallery'), pool, () => ({
    size: Number(byId('size').value),
    format: byId('format').value,
  }));
  showPool(byId('pool'), pool);

  const take = (files) => gallery.add([...files].filter((it) => it.type.startsWith('image/')));
  byId('files').addEventListener('change', ({ target }) => {
    take(target.files);
    target.value = '';
  });
  byId('samples').addEventListener('click', async () => take(await drawPictures(12)));
  for (const name of ['size', 'format']) {
    byId(name).addEventListener('change', () => gallery.scaleAll());
  }
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('over');
  });
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) document.body.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('over');
    take(event.dataTransfer.files);
  });
  byId('controls').disabled = false;
  byId('state').textContent = crossOriginIsolated
    ? 'Threads share memory: this page is cross-origin isolated.'
    : 'Threads exchange messages: this page is not cross-origin isolated.';
} catch (error) {
  const code = error instanceof WasmError ? `${error.code}: ` : '';
  byId('state').textContent = `The pool did not start. ${code}${error.message}`;
  byId('state').classList.add('failed');
}
