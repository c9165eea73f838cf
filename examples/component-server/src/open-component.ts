import { readFile } from 'node:fs/promises';
import type { Config } from './config.js';
import type { HttpComponent } from './http-component.js';
import { openPreview2 } from './preview2.js';
import { openPreview3 } from './preview3.js';

/** What it exports says which preview of wasi:http it is for. */
export async function openComponent(config: Config): Promise<HttpComponent> {
  const bytes = await readFile(config.component);
  if (bytes.includes('wasi:http/incoming-handler@0.2')) return openPreview2(bytes, config);
  if (bytes.includes('wasi:http/handler@0.3')) return openPreview3(bytes, config);
  throw new Error(
    `${config.component} is no component for HTTP; accepted: one that exports wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3`,
  );
}
