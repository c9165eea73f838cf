/**
 * The page: one file, nothing from other origins. All that comes from pools is put into it as text, by
 * its script.
 *
 * @param nonce allows its own style and script, and no other
 */
export function page(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pools</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header><h1>Pools</h1><p id="state" role="status">connecting …</p></header>
<main id="pools"></main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}

const STYLE = `
:root {
  color-scheme: light dark;
  --back: light-dark(#f6f7f9, #14171c);
  --card: light-dark(#ffffff, #1d2128);
  --text: light-dark(#1c2330, #e4e8ee);
  --quiet: light-dark(#5b6675, #97a3b3);
  --line: light-dark(#dfe3e9, #323943);
  --used: light-dark(#2563eb, #6ea8fe);
  --idle: light-dark(#93b4ea, #34507f);
  --wait: light-dark(#c2410c, #fb923c);
  --memory: light-dark(#0f766e, #5eead4);
}
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem;
  background: var(--back); color: var(--text);
  font: 0.875rem/1.45 system-ui, sans-serif;
}
header { display: flex; align-items: baseline; gap: 1rem; flex-wrap: wrap }
h1 { font-size: 1.25rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere }
h3 { font-size: 0.875rem; margin: 0 0 0.25rem; font-weight: 600 }
#state { margin: 0; color: var(--quiet) }
#state.lost { color: var(--wait) }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem;
  padding: 1rem; margin: 1rem 0; display: grid; gap: 1rem;
}
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: 0.5rem; margin: 0 }
dt { color: var(--quiet); font-size: 0.75rem }
dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)) }
figure { margin: 0; min-width: 0 }
figcaption { display: flex; gap: 0.25rem 0.9rem; flex-wrap: wrap; font-size: 0.75rem; color: var(--quiet) }
figcaption b { color: var(--text); font-weight: 600 }
.key::before { content: ""; display: inline-block; width: 0.6rem; height: 0.6rem; border-radius: 2px; margin-right: 0.35rem; background: currentColor }
.key.used::before { color: var(--used) } .key.idle::before { color: var(--idle) }
.key.wait::before { color: var(--wait) } .key.memory::before { color: var(--memory) }
svg { display: block; width: 100%; height: 6rem; border-bottom: 1px solid var(--line) }
polygon.used { fill: var(--used) } polygon.idle { fill: var(--idle) }
polygon.wait { fill: var(--wait) } polygon.memory { fill: var(--memory) }
line { stroke: var(--quiet); stroke-dasharray: 3 3; vector-effect: non-scaling-stroke }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.2rem 0.75rem 0.2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top }
th { color: var(--quiet); font-weight: 500; font-size: 0.75rem }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
td.name { white-space: normal; overflow-wrap: anywhere; min-width: 6rem }
td.from { white-space: normal; overflow-wrap: anywhere; min-width: 14rem }
.reasons { max-width: 24rem }
td.borrowed { color: var(--used); font-weight: 600 }
pre { margin: 0.25rem 0; font-size: 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 16rem }
.none { color: var(--quiet); margin: 0 }
`;

const SCRIPT = String.raw`
'use strict';
const histories = new Map();
const openStacks = new Set();
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children.map((it) => (it instanceof Node ? it : String(it))));
  return made;
}
function drawn(tag, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
function millis(value) {
  if (value === undefined || value === null) return '–';
  if (value < 1000) return number.format(value) + ' ms';
  if (value < 60000) return number.format(value / 1000) + ' s';
  if (value < 3600000) return number.format(value / 60000) + ' min';
  return number.format(value / 3600000) + ' h';
}
function bytes(value) {
  if (value === undefined || value === null) return '–';
  if (value < 1048576) return number.format(value / 1024) + ' KiB';
  if (value < 1073741824) return number.format(value / 1048576) + ' MiB';
  return number.format(value / 1073741824) + ' GiB';
}
function mean(times) {
  return times && times.count > 0 ? millis(times.totalMillis / times.count) : '–';
}

function tiles(stats) {
  const all = [
    ['on loan', stats.borrowed + (stats.max ? ' of ' + stats.max : '')],
    ['idle', stats.available],
    ['waiting', stats.pending],
    ['mean wait', mean(stats.waits)],
    ['longest wait', stats.waits ? millis(stats.waits.longestMillis) : '–'],
    ['mean loan', mean(stats.loans)],
    ['mean creation', mean(stats.creations)],
    ['loans', stats.acquired],
    ['timeouts', stats.timeouts],
    ['refused', stats.refused],
    ['aborted', stats.aborted],
    ['created', stats.created],
    ['failed', stats.createErrors],
    ['being ended', stats.threadsEnding === undefined ? stats.destroying : stats.threadsEnding],
    ['memory', stats.memoryBytes === undefined ? undefined : bytes(stats.memoryBytes)],
    ['restores', stats.restores],
  ];
  const known = all.filter(([, value]) => value !== undefined);
  return element('dl', {}, ...known.map(([name, value]) => element('div', {},
    element('dt', {}, name),
    element('dd', {}, typeof value === 'number' ? number.format(value) : value))));
}

/* Layers are stacked; each is a class and what it has of a sample. */
function chart(title, samples, length, layers, show, limit) {
  const sums = samples.map((it) => layers.reduce((sum, [, of]) => sum + of(it), 0));
  const top = Math.max(limit || 0, ...sums, 1e-9) * 1.05;
  const x = (index) => (index + length - samples.length) / (length - 1) * 300;
  const y = (value) => 100 - value / top * 100;
  const bases = samples.map(() => 0);
  const shapes = layers.map(([name, of]) => {
    const lower = samples.map((_, index) => x(index) + ',' + y(bases[index]));
    samples.forEach((it, index) => { bases[index] += of(it); });
    const upper = samples.map((_, index) => x(index) + ',' + y(bases[index]));
    return drawn('polygon', { class: name, points: upper.concat(lower.reverse()).join(' ') });
  });
  if (limit) shapes.push(drawn('line', { x1: 0, x2: 300, y1: y(limit), y2: y(limit) }));
  const last = samples[samples.length - 1];
  const keys = layers.map(([name, of, label]) =>
    element('span', { class: 'key ' + name }, label + ' ', element('b', {}, last ? show(of(last)) : '–')));
  const highest = show(Math.max(0, ...sums));
  const text = title + ': ' + keys.map((it) => it.textContent).join(', ') + ', highest ' + highest;
  return element('figure', {},
    element('h3', {}, title),
    drawn('svg', { viewBox: '0 0 300 100', preserveAspectRatio: 'none', role: 'img', 'aria-label': text }, ...shapes),
    element('figcaption', {}, ...keys, element('span', {}, 'highest ', element('b', {}, highest))));
}

function table(heads, rows) {
  const head = (it) => element('th', typeof it === 'string' ? {} : { class: 'number' }, typeof it === 'string' ? it : it[0]);
  return element('div', { class: 'wide' }, element('table', {},
    element('thead', {}, element('tr', {}, ...heads.map(head))),
    element('tbody', {}, ...rows)));
}
const cell = (value, name) => element('td', name ? { class: name } : {}, value);

function reasons(destroyedBy) {
  const all = Object.entries(destroyedBy || {}).sort((one, other) => other[1] - one[1]);
  if (all.length === 0) return element('p', { class: 'none' }, 'No resource was destroyed.');
  return table(['destroyed for', ['how many']], all.map(([reason, count]) =>
    element('tr', {}, cell(reason, 'name'), cell(number.format(count), 'number'))));
}

function where(key, stack) {
  if (!stack) return '–';
  const lines = stack.split('\n').slice(1).map((it) => it.trim());
  const library = /^at (async )?(ResourcePool|PoolMachine|WasmPool|WorkerCalls)\b|\/node_modules\/|\(node:/;
  const own = lines.find((it) => !library.test(it)) || lines[0] || '–';
  const details = element('details', {}, element('summary', {}, own), element('pre', {}, lines.join('\n')));
  details.open = openStacks.has(key);
  details.addEventListener('toggle', () => {
    if (details.open) openStacks.add(key);
    else openStacks.delete(key);
  });
  return details;
}

function resources(pool) {
  if (pool.resources.length === 0) return element('p', { class: 'none' }, 'There are no resources to list.');
  const rows = pool.resources.map((it, index) => element('tr', {},
    cell(it.name === undefined ? String(index + 1) : it.name, 'name'),
    cell(it.state, it.state),
    cell(millis(it.borrowedMillis), 'number'),
    cell(it.state === 'idle' ? millis(it.idleMillis) : '–', 'number'),
    cell(millis(it.ageMillis), 'number'),
    cell(number.format(it.uses), 'number'),
    cell(bytes(it.bytes), 'number'),
    cell(where(pool.id + ' ' + it.name + ' ' + it.uses, it.acquiredAt), 'from')));
  const heads = ['name', 'state', ['lent for'], ['idle for'], ['age'], ['uses'], ['memory'], 'lent from'];
  const list = table(heads, rows);
  if (pool.more > 0) list.append(element('p', { class: 'none' }, 'and ' + pool.more + ' more'));
  return list;
}

function section(pool, length) {
  const { stats } = pool;
  const samples = histories.get(pool.id);
  const count = (value) => number.format(value);
  const charts = [
    chart('Resources', samples, length,
      [['used', (it) => it.borrowed, 'on loan'], ['idle', (it) => it.available, 'idle']], count, stats.max),
    chart('Waiting', samples, length, [['wait', (it) => it.pending, 'acquires']], count),
  ];
  if (stats.waits !== undefined) {
    charts.push(chart('Mean wait', samples, length,
      [['wait', (it) => it.waits > 0 ? it.waitMillis / it.waits : 0, 'of those that ended']], millis));
  }
  if (stats.memoryBytes !== undefined) {
    charts.push(chart('Memory', samples, length, [['memory', (it) => it.memoryBytes || 0, 'all']], bytes));
  }
  return element('section', { 'aria-label': stats.name },
    element('h2', {}, stats.name), tiles(stats),
    element('div', { class: 'charts' }, ...charts),
    element('div', { class: 'reasons' }, reasons(stats.destroyedBy)), resources(pool));
}

function show(update) {
  const alive = new Set(update.pools.map((it) => it.id));
  for (const id of histories.keys()) if (!alive.has(id)) histories.delete(id);
  for (const pool of update.pools) {
    const known = histories.get(pool.id) || [];
    const since = known.length > 0 ? known[known.length - 1].atMillis : 0;
    known.push(...pool.samples.filter((it) => it.atMillis > since));
    histories.set(pool.id, known.slice(-update.historyLength));
  }
  const sections = update.pools.map((it) => section(it, update.historyLength));
  const main = document.getElementById('pools');
  /* What has the focus, or is being selected, is not taken away from under the reader. */
  const selection = getSelection();
  if (selection !== null && !selection.isCollapsed && main.contains(selection.anchorNode)) return;
  const { activeElement } = document;
  const summaries = Array.from(main.querySelectorAll('summary'));
  const focused = summaries.indexOf(activeElement);
  const scrolled = Array.from(main.querySelectorAll('.wide'), (it) => it.scrollLeft);
  main.replaceChildren(...(sections.length > 0 ? sections : [element('p', { class: 'none' }, 'There are no pools.')]));
  main.querySelectorAll('.wide').forEach((it, index) => { it.scrollLeft = scrolled[index] || 0; });
  if (focused >= 0) main.querySelectorAll('summary')[focused]?.focus();
}

const state = document.getElementById('state');
const events = new EventSource('?events');
events.addEventListener('message', ({ data }) => {
  show(JSON.parse(data));
  state.textContent = 'live';
  state.className = '';
});
events.addEventListener('error', () => {
  state.textContent = 'the connection is lost; trying again …';
  state.className = 'lost';
});
`;
