import { createHttpComponent, serveHttpComponent } from '@wasm-pool/wasm-adapter/http';
import type { Config } from './config.js';
import { poolPage } from './page.js';

/** The server of a component: `listen` gives its address. `/_pool` is a page to try it. */
export async function createApp(config: Config) {
  const { component, host, port, wasi, closeMillis, options } = config;
  const app = await createHttpComponent(component, {
    ...options,
    wasi,
    onError(error) {
      console.error(error.message, error.cause ?? '');
      return undefined;
    },
  });
  const before = poolPage(app.pool);
  let server: Awaited<ReturnType<typeof serveHttpComponent>> | undefined;
  async function listen(): Promise<string> {
    server = await serveHttpComponent(app, { host, port, before, closeMillis });
    return server.address;
  }
  return { pool: app.pool, listen, close: () => (server ?? app).close() };
}
