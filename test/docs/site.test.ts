import { expect, test } from 'vitest';
import { pages } from '../../docs/scripts/pages.js';
import { sidebar } from '../../docs/scripts/sidebar.js';

test('each document has a place in the list of the site, by its title', () => {
  const list = JSON.stringify(sidebar()); // throws where a document is in no group: docs/scripts/sidebar.ts
  expect(pages.size).toBeGreaterThan(30);
  expect(list).toContain('{"text":"Getting started","link":"/getting-started"}');
});
