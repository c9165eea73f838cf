/** A change, as a file in `.changeset` tells it. */
export interface Change {
  readonly kind: 'major' | 'minor' | 'patch';
  /** What it says, as Markdown. */
  readonly text: string;
}

const headings = { major: 'Breaking', minor: 'New', patch: 'Mended' } as const;

/** Reads a changeset: packages with `major`, `minor` or `patch` between two lines of dashes, then text. */
export function readChangeset(text: string): Change {
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text) ?? [];
  const kinds = Array.from(head.matchAll(/: *["']?(major|minor|patch)/g), ([, it]) => it);
  const kind = (['major', 'minor', 'patch'] as const).find((it) => kinds.includes(it));
  if (kind === undefined || body.trim() === '') {
    throw new Error(`no changeset: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return { kind, text: body.trim() };
}

/** Puts a version with its changes above the last one of the changelog. */
export function withVersion(
  changelog: string,
  version: string,
  day: string,
  changes: readonly Change[],
): string {
  const parts = Object.entries(headings).flatMap(([kind, heading]) => {
    const items = changes
      .filter((it) => it.kind === kind)
      .map(({ text }) => `- ${text.replaceAll('\n', '\n  ')}`);
    return items.length === 0 ? [] : [`### ${heading}\n\n${items.join('\n')}`];
  });
  const at = changelog.search(/^## /m);
  if (at === -1) throw new Error('CHANGELOG.md has no heading of a version');
  const section = [`## ${version} (${day})`, ...parts].join('\n\n');
  return `${changelog.slice(0, at)}${section}\n\n${changelog.slice(at)}`;
}
