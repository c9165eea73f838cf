/** Shows the state of a pool, as often as the page is drawn anew. */
export function showPool(panel, pool) {
  const part = (name) => panel.querySelector(`[data-show="${name}"]`);
  const text = (name, value) => {
    const element = part(name);
    if (element.textContent !== value) element.textContent = value;
  };
  let last = performance.now();
  let longest = 0;
  const show = () => {
    const { size, max, borrowed, pending, acquired, created, destroyed, loans, memoryBytes } =
      pool.stats();
    text('busy', `${borrowed} of ${max}`);
    part('busy-bar').value = borrowed / max;
    text('waiting', String(pending));
    part('waiting-bar').value = pending / Math.max(pending, 12);
    text('threads', String(size));
    text('done', String(acquired - borrowed));
    text('mean', loans.count === 0 ? '–' : `${Math.round(loans.totalMillis / loans.count)} ms`);
    text('memory', `${Math.round(memoryBytes / 2 ** 20)} MiB`);
    text('created', `${created} / ${destroyed}`);
    const now = performance.now();
    // A tab that is hidden draws nothing: that is no gap.
    longest = now - last > 2_000 ? longest : Math.max(longest * 0.995, now - last);
    last = now;
    text('gap', `${Math.round(longest)} ms`);
    requestAnimationFrame(show);
  };
  show();
}
