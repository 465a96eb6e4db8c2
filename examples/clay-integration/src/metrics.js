// Counters, gauges and histograms in the text format of Prometheus. Label values come from short, closed lists.

// A bound at 5 s, because an alert asks for it.
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics() {
  const families = new Map();
  const family = (name, type, help) => {
    if (!families.has(name)) families.set(name, { type, help, series: new Map() });
    return families.get(name).series;
  };
  const key = (labels) => Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(",");

  return {
    add(name, help, labels = {}, amount = 1) {
      const series = family(name, "counter", help);
      series.set(key(labels), (series.get(key(labels)) ?? 0) + amount);
    },
    set(name, help, value, labels = {}) {
      family(name, "gauge", help).set(key(labels), value);
    },
    observe(name, help, seconds, labels = {}) {
      const series = family(name, "histogram", help);
      const own = series.get(key(labels)) ?? { buckets: SECONDS.map(() => 0), sum: 0, count: 0 };
      SECONDS.forEach((bound, index) => {
        if (seconds <= bound) own.buckets[index] += 1;
      });
      own.sum += seconds;
      own.count += 1;
      series.set(key(labels), own);
    },
    text() {
      const lines = [];
      for (const [name, { type, help, series }] of families) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
        for (const [labels, value] of series) lines.push(...sample(name, type, labels, value));
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

function sample(name, type, labels, value) {
  const braces = (inner) => (inner ? `{${inner}}` : "");
  if (type !== "histogram") return [`${name}${braces(labels)} ${value}`];
  const with_ = (bound) => braces([labels, `le="${bound}"`].filter(Boolean).join(","));
  return [
    ...SECONDS.map((bound, index) => `${name}_bucket${with_(bound)} ${value.buckets[index]}`),
    `${name}_bucket${with_("+Inf")} ${value.count}`,
    `${name}_sum${braces(labels)} ${value.sum}`,
    `${name}_count${braces(labels)} ${value.count}`,
  ];
}
