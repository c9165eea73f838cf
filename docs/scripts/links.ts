import { existsSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { documentOf, pageOf } from './pages.ts';
import { addressOf, root } from './repository.ts';

type Token = ReturnType<MarkdownRenderer['parse']>[number];

/**
 * Makes links and pictures of documents work on the site: what is a page of it is linked there, anything
 * else in the repository at its address, and while that is not known it is no link.
 */
export function linkDocuments(md: MarkdownRenderer): void {
  md.core.ruler.push('documents', ({ tokens, env }) => {
    const page: string = env.relativePath;
    const document = documentOf(page);
    if (document === undefined) return;
    for (const { children } of tokens) {
      const open: Token[] = [];
      for (const token of children ?? []) {
        if (token.type === 'link_open') open.push(linked(token, document, page));
        else if (token.type === 'link_close') token.tag = open.pop()?.tag ?? 'a';
        else if (token.type === 'image') pictured(token, document, env.realPath ?? env.path);
      }
    }
  });
}

function linked(token: Token, document: string, page: string): Token {
  const target = token.attrGet('href') ?? '';
  const [path = '', anchor] = target.split('#');
  if (path === '' || /^[a-z]+:/.test(target)) return token;
  const to = normalize(join(dirname(document), path)).replace(/^\.?\/?$|\/$/, '');
  const other = pageOf(to);
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (other !== undefined) {
    const way = relative(dirname(page), other);
    token.attrSet('href', `${way.startsWith('.') ? '' : './'}${way}${hash}`);
    return token;
  }
  const address = addressOf(to);
  if (address !== undefined) {
    token.attrSet('href', address + hash);
    return token;
  }
  token.tag = 'span';
  token.type = 'outside_open'; // not one that VitePress looks at
  token.attrs = [
    ['class', 'outside'],
    ['title', `${to} in the repository`],
  ];
  return token;
}

/** Vite looks for pictures beside the file that a page is made of. */
function pictured(token: Token, document: string, file: string): void {
  const source = token.attrGet('src') ?? '';
  if (/^[a-z]+:/.test(source)) return;
  const path = join(root, dirname(document), source);
  if (!existsSync(path)) throw new Error(`${document}: there is no ${source}`);
  const way = relative(dirname(file), path);
  token.attrSet('src', way.startsWith('.') ? way : `./${way}`);
}
