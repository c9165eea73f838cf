import { exportedNames } from '../component/component-names.js';
import { exportedInterfaces } from '../component/jco-code.js';
import { isTranspiledComponent } from '../component/transpiled-source.js';
import { isComponent } from '../source/describe-bytes.js';
import { load, type WasmSource } from '../wasm-source.js';
import type { ComponentAnswer, ComponentRequest } from './component-exchange.js';
import { detectPreview } from './detect-world.js';
import { answerHeaders, headerList } from './headers.js';
import type { HttpComponent, HttpFetchOptions } from './http-component.js';
import { errorResponse, HttpError, httpError } from './http-error.js';
import {
  type HttpComponentOptions,
  type HttpComponentSettings,
  httpSettings,
} from './http-options.js';
import { httpListener } from './listener.js';
import type { PreviewPool } from './preview-pool.js';
import { checkLength } from './request-body.js';

/** What `createHttpComponent` does, and loads when it is first called. */
export async function makeHttpComponent(
  src: WasmSource | PromiseLike<WasmSource>,
  options: HttpComponentOptions,
): Promise<HttpComponent> {
  const settings = httpSettings(options);
  const loaded = await load(await src);
  const preview = detectPreview(exportsOf(loaded), settings.pool.name);
  const source: WasmSource = 'bytes' in loaded ? loaded.bytes : loaded;
  let opened: PreviewPool;
  if (preview === 2) {
    const { openPreview2 } = await import('./preview2/preview2.js');
    opened = await openPreview2(source, settings);
  } else {
    const { openPreview3 } = await import('./preview3/preview3.js');
    opened = await openPreview3(source, settings);
  }
  return httpComponent(opened, settings);
}

/** What a source exports, as far as it is a component. */
function exportsOf(loaded: Awaited<ReturnType<typeof load>>): string[] {
  if (isTranspiledComponent(loaded)) return exportedInterfaces(loaded.instantiate);
  if (loaded instanceof WebAssembly.Module || !isComponent(loaded.bytes)) return [];
  try {
    return exportedNames(loaded.bytes);
  } catch {
    return []; // what is not understood is no component for HTTP
  }
}

function httpComponent(opened: PreviewPool, settings: HttpComponentSettings): HttpComponent {
  /** Rejects with a `HttpError`, or the reason of an aborted signal. */
  async function answer(request: ComponentRequest): Promise<ComponentAnswer> {
    try {
      checkLength(request.length, settings);
      return await opened.answer(request);
    } catch (error) {
      request.signal.throwIfAborted();
      throw httpError(error);
    }
  }

  async function refuse(error: HttpError, request: Request): Promise<Response> {
    try {
      const given = await settings.onError?.(error, request);
      return given ?? errorResponse(error);
    } catch {
      return errorResponse(error);
    }
  }

  async function fetch(request: Request, options: HttpFetchOptions = {}): Promise<Response> {
    const { signal = request.signal, context } = options;
    try {
      const answered = await answer(componentRequest(request, signal, context));
      return webResponse(answered, request.method);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return refuse(error, request);
    }
  }

  const close = (options?: { timeoutMillis?: number }) => opened.pool.close(options);
  return {
    preview: opened.preview,
    fetch,
    listener: httpListener(answer, refuse),
    pool: opened.pool,
    stats: () => opened.pool.stats(),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** A `Request` as a component is given it. */
function componentRequest(
  request: Request,
  signal: AbortSignal,
  context: unknown,
): ComponentRequest {
  const url = new URL(request.url);
  const length = request.headers.get('content-length');
  return {
    method: request.method,
    path: url.pathname + url.search,
    scheme: url.protocol.slice(0, -1),
    authority: url.host,
    headers: headerList([...request.headers]),
    body: request.body === null ? undefined : iterate(request.body),
    length: length === null ? undefined : Number(length),
    trailers: Promise.resolve([]),
    signal,
    context,
  };
}

async function* iterate(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = stream.getReader();
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isWhole = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!isWhole) await reader.cancel().catch(() => {});
  }
}

/** Fetch, "null body status". */
const WITHOUT_BODY = [204, 205, 304];

function webResponse({ status, headers, body }: ComponentAnswer, method: string): Response {
  let checked: Headers;
  const iterator = body[Symbol.asyncIterator]();
  try {
    checked = answerHeaders(headers);
  } catch (cause) {
    void iterator.return?.();
    throw new HttpError('ERR_HTTP_ANSWER', 'the component answered with a header that is none', {
      cause,
    });
  }
  if (WITHOUT_BODY.includes(status) || method === 'HEAD') {
    void drain(iterator);
    return new Response(null, { status, headers: checked });
  }
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { status, headers: checked });
}

/** Lets a component finish an answer whose body nobody is sent. */
async function drain(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await iterator.next()).done !== true);
  } catch {} // nobody is told any more
}
