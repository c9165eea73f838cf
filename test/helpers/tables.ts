import { readFileSync } from 'node:fs';

/** A row of a Markdown table, by the headings of its columns; code spans without their backticks. */
export type Row = Readonly<Record<string, string>>;

/** The rows of all tables in one section of a document, which is to say below one heading. */
export function rowsOf(document: URL, heading: string): Row[] {
  const text = readFileSync(document, 'utf8');
  const sections = text.split(/^(?=#{1,6} )/m);
  const section = sections.find((it) => it.split('\n', 1)[0]?.replace(/^#+ /, '') === heading);
  if (section === undefined) throw new Error(`${document.pathname} has no heading "${heading}"`);
  const rows: Row[] = [];
  let headings: string[] | undefined;
  for (const line of section.split('\n')) {
    if (!line.startsWith('|')) {
      headings = undefined;
      continue;
    }
    const cells = line.split('|').slice(1, -1);
    const texts = cells.map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'));
    if (headings === undefined) headings = texts;
    else if (!/^[\s|:-]+$/.test(line)) {
      rows.push(Object.fromEntries(headings.map((name, index) => [name, texts[index] ?? ''])));
    }
  }
  return rows;
}
