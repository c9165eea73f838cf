// Draws the charts of the README from the figures that were saved last.
import { readFile, writeFile } from 'node:fs/promises';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Report, Row } from './report.ts';

const folder = new URL('../../docs/charts/', import.meta.url);
const { machine, commands, parts }: Report = JSON.parse(
  await readFile(new URL('./results.json', import.meta.url), 'utf8'),
);

/** The ink is that of the page around it, light or dark; series are legible on both. */
const ink = 'currentColor';
const config: TopLevelSpec['config'] = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  title: { color: ink, subtitleColor: ink, anchor: 'start', fontSize: 15, subtitleFontSize: 11 },
  axis: {
    labelColor: ink,
    titleColor: ink,
    tickColor: ink,
    domainColor: ink,
    gridOpacity: 0.2,
    labelLimit: 0,
  },
  legend: { labelColor: ink, titleColor: ink, labelLimit: 0, titleLimit: 0 },
  header: { labelColor: ink, titleColor: ink },
  view: { stroke: 'transparent' },
  range: {
    category: ['#e36209', '#1f87e8', '#2da44e', '#a371f7', '#d4a72c', '#db61a2', '#6e7781'],
  },
};
/** From few to many. */
const RAMP = ['#8250df', '#4169e1', '#1f87e8', '#17a2a2', '#2da44e', '#d4a72c', '#e36209'];
const style =
  '<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>';

/** From the figures of that part. */
async function draw(name: string, title: string, part: string, spec: object): Promise<void> {
  const subtitle = `npm run bench -- ${commands[part]} · ${machine}`;
  const { spec: vega } = compile({
    ...spec,
    title: { text: title, subtitle },
    config,
  } as TopLevelSpec);
  const svg = await new View(parse(vega), { renderer: 'none' }).toSVG();
  await writeFile(new URL(`${name}.svg`, folder), `${svg.replace(/<svg[^>]*>/, `$&${style}`)}\n`);
}

function rowsOf(part: string, section: string): Row[] {
  const rows = parts[part]?.[section];
  if (rows === undefined) throw new Error(`nothing is saved of ${part}: ${section}`);
  return rows;
}

/** What of each name matches, with its figure. */
function matches(rows: readonly Row[], pattern: RegExp): { groups: string[]; value: number }[] {
  return rows.flatMap(({ name, median: value }) => {
    const match = pattern.exec(name);
    return match === null ? [] : [{ groups: match.slice(1), value }];
  });
}

const log = { type: 'log' };

await draw('latency', 'Throughput, by the latency of an async host call', 'latency', {
  width: 560,
  height: 300,
  data: {
    values: matches(
      rowsOf('latency', 'Calls a second, by the latency of the host call'),
      /^(\d+) µs, (\d+) at once$/,
    ).map(({ groups: [micros, atOnce], value }) => ({
      micros: Math.max(Number(micros), 0.1),
      atOnce: Number(atOnce),
      value,
    })),
  },
  mark: { type: 'line', point: true },
  encoding: {
    x: {
      field: 'micros',
      type: 'quantitative',
      scale: log,
      title: 'latency',
      axis: {
        values: [0.1, 1, 10, 100, 1_000, 10_000],
        labelExpr:
          "datum.value < 1 ? '0' : datum.value < 1000 ? datum.value + ' µs' : datum.value / 1000 + ' ms'",
      },
    },
    y: { field: 'value', type: 'quantitative', scale: log, title: 'calls a second' },
    color: {
      field: 'atOnce',
      type: 'ordinal',
      title: 'instances and borrowers',
      scale: { range: RAMP },
    },
  },
});

const PANELS: readonly (readonly [title: string, section: string, pattern: RegExp])[] = [
  ['acquire and release', 'Loans', /^(\S+) acquire\+release$/],
  ['16 borrowers on 4', 'Loans', /^(\S+), 16 borrowers on 4$/],
  ['10,000 borrowers on 4', 'Many who wait', /^(\S+), 10,000 borrowers on 4, twice each$/],
  ['created for one loan', 'Every resource is created for one loan', /^(\S+), created for each$/],
  ['validated, sync', 'Validated before each loan', /^(\S+), a sync validate$/],
  ['validated, async', 'Validated before each loan', /^(\S+), an async validate$/],
];
await draw('pools', 'What one loan costs, in nanoseconds', 'core', {
  data: {
    values: PANELS.flatMap(([what, section, pattern]) => {
      const rows = rowsOf('core', section).filter(({ unit }) => unit === 'ns');
      return matches(rows, pattern).map(({ groups: [pool], value }) => ({ pool, what, value }));
    }),
  },
  facet: { field: 'what', type: 'nominal', sort: PANELS.map(([title]) => title), title: null },
  columns: 3,
  spec: {
    width: 160,
    mark: 'bar',
    encoding: {
      y: { field: 'pool', type: 'nominal', sort: 'x', title: null },
      x: { field: 'value', type: 'quantitative', title: null, axis: { tickCount: 4 } },
      color: { field: 'pool', type: 'nominal', legend: null },
    },
  },
  resolve: { scale: { x: 'independent', y: 'independent' } },
});

const strategies = Object.keys(parts.strategies ?? {}).flatMap((section) =>
  matches(rowsOf('strategies', section), /^(.+), requests$/).map(
    ({ groups: [strategy], value }) => {
      const [guest, requests] = section.split(', ');
      return { strategy, guest, requests, value };
    },
  ),
);
await draw('strategies', 'Requests a second, by who gets which instance', 'strategies', {
  data: { values: strategies },
  facet: {
    column: { field: 'requests', type: 'nominal', title: null },
  },
  spec: {
    width: 260,
    height: 180,
    mark: { type: 'point', filled: true, size: 90, opacity: 0.9 },
    encoding: {
      y: {
        field: 'guest',
        type: 'nominal',
        sort: ['small', '1 MiB', 'interpreter'],
        title: null,
        axis: { grid: true },
      },
      x: { field: 'value', type: 'quantitative', scale: log, title: 'a second' },
      color: { field: 'strategy', type: 'nominal', title: null, legend: { orient: 'bottom' } },
      shape: { field: 'strategy', type: 'nominal', title: null },
    },
  },
});

const leaking = ['Leaking, maxMemoryBytes: 16 MiB', 'Leaking, no maxMemoryBytes'].flatMap(
  (section) =>
    matches(rowsOf('memory', section), /^resident after (\d+) calls$/).map(
      ({ groups: [calls], value }) => ({
        calls: Number(calls),
        value,
        section: section.slice('Leaking, '.length),
      }),
    ),
);
await draw('memory', 'Resident memory, while a guest leaks 64 KiB a call', 'memory', {
  width: 560,
  height: 260,
  data: { values: leaking },
  mark: { type: 'line', point: true },
  encoding: {
    x: { field: 'calls', type: 'quantitative', title: 'calls' },
    y: { field: 'value', type: 'quantitative', title: 'MiB' },
    color: { field: 'section', type: 'nominal', title: null, legend: { orient: 'bottom' } },
  },
});

const http = matches(
  rowsOf('http', 'The sandbox server'),
  /^(\d+) connections, (.+), (requests|p99)$/,
).map(({ groups: [connections, mode, what], value }) => ({
  mode,
  connections,
  what: what === 'p99' ? 'p99, milliseconds' : 'requests a second',
  value,
}));
await draw('http', 'The sandbox server under load', 'http', {
  data: { values: http },
  facet: { column: { field: 'what', type: 'nominal', sort: 'descending', title: null } },
  spec: {
    width: 260,
    height: 240,
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'connections', type: 'ordinal', sort: null, title: 'connections' },
      y: { field: 'value', type: 'quantitative', scale: log, title: null },
      color: { field: 'mode', type: 'nominal', title: null, legend: { orient: 'bottom' } },
    },
  },
  resolve: { scale: { y: 'independent' } },
});
