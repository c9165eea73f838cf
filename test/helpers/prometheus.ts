/** One sample of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a scrape says of one metric. */
export interface Family {
  readonly type: string;
  readonly samples: readonly Sample[];
}

/** Parses Prometheus's text format. Throws for what is none of it: a sample without a type, too. */
export function parseScrape(text: string): Map<string, Family> {
  const families = new Map<string, { type: string; samples: Sample[] }>();
  for (const line of text.split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== '') families.set(name, { type, samples: [] });
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (match === null) throw new Error(`no sample: ${line}`);
    const [, sample = '', labels = '', value] = match;
    const family =
      families.get(sample) ?? families.get(sample.replace(/_(bucket|sum|count|total)$/, ''));
    if (family === undefined) throw new Error(`a sample without a type: ${line}`);
    family.samples.push({ name: sample, labels: labelsOf(labels), value: Number(value) });
  }
  return families;
}

function labelsOf(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g);
  return Object.fromEntries(Array.from(pairs, ([, name, value]) => [name, value]));
}

/** The value of the only sample of that name with those labels, others aside. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>>,
): number | undefined {
  const found = [...families.values()].flatMap(({ samples }) =>
    samples.filter(
      (it) =>
        it.name === name &&
        Object.entries(labels).every(([key, value]) => it.labels[key] === value),
    ),
  );
  if (found.length > 1) throw new Error(`${found.length} samples of ${name}`);
  return found[0]?.value;
}
