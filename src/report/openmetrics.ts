/**
 * The OpenMetrics text format 1.0, which Prometheus's textfile collector reads too: gauges only.
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import { printable } from './printable.js';

export interface Gauge {
  readonly name: string;
  /** The last word of the name, where it has one. */
  readonly unit?: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The whole text; no label set may come twice within a gauge. */
export function openMetrics(gauges: readonly Gauge[]): string {
  return [...gauges.flatMap(gaugeLines), '# EOF'].map((line) => `${line}\n`).join('');
}

/** What is safe to print has no newline any more. */
export function escapeLabel(value: string): string {
  return printable(value).replace(/[\\"]/g, (character) => `\\${character}`);
}

function gaugeLines({ name, unit, help, samples }: Gauge): readonly string[] {
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}`),
  ];
}

function labelsText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
