// npm run docs: makes the API reference, builds the site into docs/.vitepress/dist, and checks each link in it.
import { join } from 'node:path';
import { build } from 'vitepress';
import { checkSite } from './check-site.ts';
import { copyDocuments } from './pages.ts';
import { writeReference } from './reference.ts';
import { repositoryUrl, root } from './repository.ts';

const docs = join(root, 'docs');

copyDocuments();
await writeReference();
await build(docs);
const { pages, links } = checkSite(join(docs, '.vitepress/dist'));
console.log(`docs: ${pages} pages in docs/.vitepress/dist, ${links} links within them are good`);
if (repositoryUrl() === undefined) {
  console.log('docs: package.json has no `repository`: links to sources are plain text');
}
