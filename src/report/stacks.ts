/** Untuned stacks: when they notice, and who on the path forgets them first. */
import { formatDuration } from '../core/duration.js';
import type { Prediction } from '../core/predict.js';
import type { StackForecast, StackForecasts } from '../core/stacks.js';
import { jsonText } from './json.js';
import { fillLines, plainTable, type TableColumn } from './layout.js';
import { latencyWords, predictionWords } from './time-words.js';

export interface StacksReportOptions {
  readonly format: 'table' | 'json';
  /** Where each line comes from. */
  readonly explain: boolean;
  readonly width: number;
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'STACK', align: 'left' },
  { title: 'IDLE', align: 'left' },
  { title: 'BUSY', align: 'left' },
  { title: 'QUIET', align: 'right' },
  { title: 'FORGOTTEN FIRST BY', align: 'left' },
];

export function reportStacks(result: StackForecasts, options: StacksReportOptions): string {
  if (options.format === 'json') return `${jsonText(result, 2)}\n`;
  const boxes = result.middleboxes.map(({ name, idleMs }) => `${name} ${formatDuration(idleMs)}`);
  const lines = [
    ...plainTable(
      COLUMNS,
      result.stacks.map((stack) => [
        stack.name,
        latest(stack.idle),
        latest(stack.busy),
        stack.quietMs === null ? 'for ever' : formatDuration(stack.quietMs),
        forgottenWords(stack),
      ]),
    ),
    "As it comes, on Linux with this host's sysctls: when a vanished peer is noticed at the latest, idle and",
    'with an unanswered write. Timeouts of the protocol above, such as HTTP keep-alive, come beside it.',
    'QUIET: the longest pause between two packets; a box on the path that forgets sooner ends it first:',
    ...fillLines(boxes, ', ', options.width),
    ...(options.explain ? sources(result) : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whatever the phase: when it is noticed at the latest. */
function latest(prediction: Prediction): string {
  return prediction.kind === 'interval'
    ? latencyWords(prediction.fromDropMs.max)
    : predictionWords(prediction);
}

function forgottenWords({ forgottenBy }: StackForecast): string {
  const [first] = forgottenBy;
  if (first === undefined) return '-';
  const more = forgottenBy.length - 1;
  return more === 0 ? first : `${first}, ${more} more`;
}

function sources({ stacks, middleboxes }: StackForecasts): readonly string[] {
  return [
    '',
    ...stacks.map(({ name, mode, source }) => `${name}: ${mode} (${source})`),
    ...middleboxes.map(({ name, source }) => `${name}: ${source}`),
  ];
}
