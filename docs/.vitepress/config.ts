import { defineConfig } from 'vitepress';
import { linkDocuments } from '../scripts/links.ts';
import { repositoryUrl } from '../scripts/repository.ts';
import { sidebar } from '../scripts/sidebar.ts';
import { slugOf } from '../scripts/slug.ts';

const repository = repositoryUrl();

export default defineConfig({
  title: 'wasm-pool',
  description: 'Pools of WebAssembly instances for JavaScript servers',
  lang: 'en',
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: false, // it works on any server of files, and from a folder
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcExclude: ['scripts/**'],
  rewrites: { 'generated/:path*': ':path*' },
  markdown: {
    anchor: { slugify: slugOf },
    config: linkDocuments,
  },
  vite: { build: { chunkSizeWarningLimit: 2_000 } }, // the search index
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Options', link: '/options' },
      { text: 'Errors', link: '/errors' },
      { text: 'API', link: '/api/' },
      { text: 'Changes', link: '/changelog' },
    ],
    sidebar: sidebar(),
    ...(repository?.startsWith('https://github.com/') && {
      socialLinks: [{ icon: 'github', link: repository }],
    }),
    footer: { message: 'Apache-2.0' },
  },
});
