import { fateKinds } from '../core/fate.js';
import type { Listener, ProcessSummary, Survey } from '../core/survey.js';
import { openMetrics, type Gauge, type Sample } from './openmetrics.js';
import { askedCounts, summarise, type FateSummary } from './survey-summary.js';

/** For a collector that comes again and again: every fate is always there, at zero too. */
export function surveyOpenMetrics(survey: Survey): string {
  const summaries = summarise(survey.connections);
  return openMetrics([
    ...fateGauges(summaries),
    ...processGauges(survey.processes),
    ...listenerGauges(fullestByAddress(survey.listeners)),
    askedGauge(survey, summaries),
  ]);
}

function fateGauges(summaries: readonly FateSummary[]): readonly Gauge[] {
  return [
    {
      name: 'tcpalive_connections',
      help: 'TCP connections by what will become of them.',
      samples: summaries.map(({ kind, connections }) => sample({ fate: kind }, connections)),
    },
    {
      name: 'tcpalive_connections_silent_seconds',
      unit: 'seconds',
      help: 'Longest time since anything was received.',
      samples: summaries.flatMap(({ kind, longestSilenceMs }) =>
        longestSilenceMs === null ? [] : sample({ fate: kind }, longestSilenceMs / 1000),
      ),
    },
  ];
}

function processGauges(processes: readonly ProcessSummary[]): readonly Gauge[] {
  return [
    {
      name: 'tcpalive_process_descriptors',
      help: 'File descriptors that the process has open.',
      samples: processes.flatMap((process) =>
        process.fds === null ? [] : sample(processLabels(process), process.fds),
      ),
    },
    {
      name: 'tcpalive_process_descriptors_limit',
      help: 'File descriptors that the process may have open.',
      samples: processes.flatMap((process) =>
        process.fdLimit === null ? [] : sample(processLabels(process), process.fdLimit),
      ),
    },
    {
      name: 'tcpalive_process_connections',
      help: 'TCP connections of the process by what will become of them.',
      samples: processes.flatMap((process) =>
        fateKinds.map((fate) => sample({ ...processLabels(process), fate }, process.byFate[fate])),
      ),
    },
  ];
}

function listenerGauges(listeners: readonly Listener[]): readonly Gauge[] {
  return [
    {
      name: 'tcpalive_listener_waiting',
      help: 'Connections that wait to be accepted.',
      samples: listeners.map((listener) => sample(listenerLabels(listener), listener.waiting)),
    },
    {
      name: 'tcpalive_listener_backlog',
      help: 'Connections that may wait to be accepted.',
      samples: listeners.map((listener) => sample(listenerLabels(listener), listener.backlog)),
    },
  ];
}

function askedGauge({ connections }: Survey, summaries: readonly FateSummary[]): Gauge {
  const { answers, silent, ended } = askedCounts(summaries);
  return {
    name: 'tcpalive_asked',
    help: 'TCP connections by what one keepalive probe brought.',
    samples: [
      sample({ answer: 'answers' }, answers),
      sample({ answer: 'silent' }, silent),
      sample({ answer: 'ended' }, ended),
      sample({ answer: 'not-asked' }, connections.length - answers - silent - ended),
    ],
  };
}

/** Several may share an address (SO_REUSEPORT, other namespaces); one that is full must show. */
function fullestByAddress(listeners: readonly Listener[]): readonly Listener[] {
  const fullest = new Map<string, Listener>();
  for (const listener of listeners) {
    const key = `${listener.local.address} ${listener.local.port}`;
    const other = fullest.get(key);
    if (other === undefined || room(listener) < room(other)) fullest.set(key, listener);
  }
  return [...fullest.values()];
}

function room({ waiting, backlog }: Listener): number {
  return backlog - waiting;
}

function processLabels({ pid, name, unit }: ProcessSummary): Record<string, string> {
  return { pid: `${pid}`, name, unit: unit ?? '' };
}

function listenerLabels({ local }: Listener): Record<string, string> {
  return { address: local.address, port: `${local.port}` };
}

function sample(labels: Sample['labels'], value: number): Sample {
  return { labels, value };
}
