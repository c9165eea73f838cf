import { existsSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';

/**
 * Makes the links of a package's README work on a page that has nothing beside it, such as a registry's:
 * they lead to the repository. While its address is not known, they become plain text.
 *
 * @param text of the README
 * @param folder of the package, from the root
 * @param url where the repository can be seen, without a slash at its end
 */
export function standaloneReadme(
  text: string,
  folder: string,
  root: string,
  url: string | undefined,
): string {
  return text
    .split(/(^```[\s\S]*?^```$|`[^`\n]*`(?!\]))/m)
    .map((part, index) => (index % 2 === 1 ? part : rewrite(part, folder, root, url)))
    .join('');
}

function rewrite(text: string, folder: string, root: string, url: string | undefined): string {
  return text.replaceAll(
    /(!?)\[([^\]]*)\]\(([^()\s]+)\)/g,
    (all, picture: string, label: string, target: string) => {
      if (/^([a-z]+:|#)/.test(target)) return all;
      const [path = '', anchor] = target.split('#');
      const file = normalize(join(folder, path)).replace(/\/$/, '');
      if (!existsSync(join(root, file))) throw new Error(`${folder}: there is no ${target}`);
      if (url === undefined) return picture === '' ? label : `(picture: ${label})`;
      const kind = picture ? 'raw' : statSync(join(root, file)).isDirectory() ? 'tree' : 'blob';
      const hash = anchor === undefined ? '' : `#${anchor}`;
      return `${picture}[${label}](${url}/${kind}/HEAD/${file}${hash})`;
    },
  );
}
