import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';

/** A figure, as the median and the middle half of several rounds. */
export interface Row {
  readonly name: string;
  /** `ns`, `ms`, `MiB`, `/s` …; empty: a ratio. */
  readonly unit: string;
  readonly median: number;
  readonly from: number;
  readonly to: number;
  /** What it may be at most, or has to be at least. */
  readonly atMost?: number;
  readonly atLeast?: number;
  /** A ratio that becomes worse when it falls: of throughputs, not of times. */
  readonly moreIsBetter?: true;
}

/** All figures of a run, by part and heading, and how each part was run. */
export interface Report {
  machine: string;
  commands: Record<string, string>;
  parts: Record<string, Record<string, Row[]>>;
}

/** The figures of the last run that was committed: what the README states, and what `--compare` compares with. */
const file = new URL('./results.json', import.meta.url);

const report: Report = {
  machine: `Node.js ${process.versions.node}, V8 ${process.versions.v8}, ${availableParallelism()} × ${cpus()[0]?.model ?? process.arch}`,
  commands: {},
  parts: {},
};
let part = '';
let section = '';

/** What follows belongs to that part. */
export function begin(name: string): void {
  part = name;
  report.parts[part] = {};
  section = '';
}

/** What follows belongs under that heading. */
export function heading(text: string): void {
  section = text;
  console.log(`\n${text}`);
}

/** Prints a figure, and keeps it. */
export function record(row: Row): void {
  const sections = report.parts[part] ?? {};
  sections[section] = [...(sections[section] ?? []), row];
  const { name, unit, median, from, to, atMost, atLeast } = row;
  const missed = (atMost ?? median) < median || (atLeast ?? median) > median;
  const aim = atMost
    ? `  at most ${show(atMost, unit)}`
    : atLeast
      ? `  at least ${show(atLeast, unit)}`
      : '';
  const range = from === to ? '' : `  (${show(from, unit)} to ${show(to, unit)})`;
  console.log(`${name.padEnd(64)} ${show(median, unit)}${range}${aim}${missed ? '  MISSED' : ''}`);
}

/** Those figures of this run that are under a heading. */
export function rowsOf(name: string, under: string): readonly Row[] {
  return report.parts[name]?.[under] ?? [];
}

function show(value: number, unit: string): string {
  if (unit === '') return value.toFixed(value < 10 ? 3 : 1);
  if (unit === 'ns' && value >= 1e4) return show(value / 1e3, 'µs');
  if (unit === 'µs' && value >= 1e4) return show(value / 1e3, 'ms');
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

export function printMachine(): void {
  console.log(report.machine);
}

/** Keeps the figures of this run, in place of those of the same part. */
export async function save(command: string): Promise<void> {
  const before = await saved();
  const commands = { ...before.commands, [part]: command };
  const parts = { ...before.parts, ...report.parts };
  await writeFile(file, `${JSON.stringify({ ...report, commands, parts }, undefined, 1)}\n`);
}

async function saved(): Promise<Report> {
  return JSON.parse(await readFile(file, 'utf8').catch(() => '{"commands":{},"parts":{}}'));
}

/**
 * Compares ratios with those that were saved: one is worse where it has changed by more than twice
 * what the middle halves of both runs span. Ratios only: they are of the same machine at the same time.
 */
export async function compare(): Promise<boolean> {
  const { parts } = await saved();
  const worse: string[] = [];
  for (const [name, sections] of Object.entries(report.parts)) {
    for (const [under, rows] of Object.entries(sections)) {
      for (const row of rows.filter(({ unit }) => unit === '')) {
        const before = parts[name]?.[under]?.find((it) => it.name === row.name);
        if (before === undefined) continue;
        const more = row.median - before.median;
        const noise = 2 * (row.to - row.from + before.to - before.from);
        if ((row.moreIsBetter ? -more : more) <= noise) continue;
        worse.push(`${name}: ${row.name}: ${show(before.median, '')} → ${show(row.median, '')}`);
      }
    }
  }
  console.log(worse.length === 0 ? '\nno ratio is worse' : `\nworse:\n${worse.join('\n')}`);
  return worse.length === 0;
}
