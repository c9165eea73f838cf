/** Metrics in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats */
export class MetricsText {
  readonly #lines: string[] = [];

  add(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    values: readonly (readonly [
      value: number,
      labels?: Readonly<Record<string, string | number>>,
    ])[],
  ): this {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [value, labels = {}] of values) {
      const pairs = Object.entries(labels).map(
        ([label, it]) => `${label}=${JSON.stringify(String(it))}`,
      );
      this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`);
    }
    return this;
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
