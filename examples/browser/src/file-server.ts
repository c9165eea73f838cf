import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const { resolve } = createRequire(import.meta.url);

const page = fileURLToPath(new URL('../page', import.meta.url));

/** The folders that are served, by the paths of their URLs: any server of files does as much. */
const folders: Readonly<Record<string, string>> = {
  '/packages/core/': dirname(resolve('@wasm-pool/core/package.json')),
  '/packages/wasm-adapter/': dirname(resolve('@wasm-pool/wasm-adapter/package.json')),
  '/codec/': dirname(resolve('wasm-image-optimization/wasm-image-optimization.js')),
  '/': page,
};

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

/** What makes a page cross-origin isolated: its threads may share memory then. */
const isolating = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** A server of the page and of what it imports. */
export function createFileServer(isolated: boolean): Server {
  const headers = {
    'content-security-policy': policy(),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
    ...(isolated ? isolating : {}),
  };
  return createServer(async ({ method, url = '/' }, response) => {
    const path = method === 'GET' ? fileOf(url) : undefined;
    const content = path && (await readFile(path).catch(() => undefined));
    if (content === undefined) {
      response.writeHead(404, headers).end('not found\n');
      return;
    }
    const type = types[extname(path ?? '')] ?? 'application/octet-stream';
    response.writeHead(200, { ...headers, 'content-type': type }).end(content);
  });
}

/** The file that a URL names; undefined where it is in none of the folders. */
function fileOf(url: string): string | undefined {
  const { pathname } = new URL(url, 'http://localhost');
  const [prefix, folder] = Object.entries(folders).find(([it]) => pathname.startsWith(it)) ?? [];
  if (prefix === undefined || folder === undefined) return undefined;
  let rest: string;
  try {
    rest = decodeURIComponent(pathname.slice(prefix.length)) || 'index.html';
  } catch {
    return undefined;
  }
  const path = join(folder, rest);
  return path.startsWith(folder + sep) && !rest.includes('\0') ? path : undefined;
}

/** Code from here only, and WebAssembly; the one script in the page is its import map. */
function policy(): string {
  const html = readFileSync(join(page, 'index.html'), 'utf8');
  const [, map = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html) ?? [];
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'`,
    "style-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    'img-src blob: data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
