import { capabilityNames, capabilityWords, type CapabilityName } from '../core/capabilities.js';
import type { CommandDiagnosis, DoctorResult } from '../core/doctor.js';
import { paint, type Format, type Style } from './format.js';
import { jsonText } from './json.js';
import { fillLines, plainTable, type TableColumn } from './layout.js';
import { printable } from './printable.js';

export interface DoctorReportOptions {
  readonly format: Extract<Format, 'table' | 'json'>;
  readonly style: Style;
}

/** The whole text, ending with a newline. */
export function reportDoctor(result: DoctorResult, { format, style }: DoctorReportOptions): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  const lines = [
    ...fillLines(hostPieces(result), ', ', style.width),
    '',
    ...plainTable(
      CAPABILITY_COLUMNS,
      capabilityNames.map((name) => capabilityCells(result, name, style)),
    ),
    '',
    ...plainTable(
      COMMAND_COLUMNS,
      result.commands.map((diagnosis) => commandCells(diagnosis, style)),
    ),
    ...fixLines(result.commands),
  ];
  return `${lines.join('\n')}\n`;
}

const CAPABILITY_COLUMNS: readonly TableColumn[] = [
  { title: 'HERE', align: 'left' },
  { title: 'CAPABILITY', align: 'left' },
];

const COMMAND_COLUMNS: readonly TableColumn[] = [
  { title: 'WORKS', align: 'left' },
  { title: 'COMMAND', align: 'left' },
  { title: 'BECAUSE', align: 'left' },
];

const PLATFORM_WORDS: Readonly<Record<string, string>> = {
  linux: 'Linux',
  darwin: 'macOS, Darwin',
  win32: 'Windows',
};

function hostPieces({ host }: DoctorResult): readonly string[] {
  return [
    `${PLATFORM_WORDS[host.platform] ?? printable(host.platform)} ${printable(host.kernel)}`,
    `Node ${printable(host.node)}`,
    ...(host.userId === null ? [] : [host.userId === 0 ? 'root' : `user ${host.userId}`]),
    host.hz === null ? 'ticks a second unknown' : `${host.hz} ticks a second`,
  ];
}

function capabilityCells(
  { capabilities, namespaceRefusal }: DoctorResult,
  name: CapabilityName,
  style: Style,
): readonly string[] {
  const reason = name === 'namespace' ? (namespaceRefusal ?? '') : '';
  const words = [capabilityWords[name], ...(reason === '' ? [] : [printable(reason)])].join(': ');
  return [capabilities[name] ? 'yes' : paint(style).yellow('no'), words];
}

function commandCells(
  { works, command, because }: CommandDiagnosis,
  style: Style,
): readonly string[] {
  const colors = paint(style);
  const painted = { yes: works, partly: colors.yellow(works), no: colors.red(works) }[works];
  return [painted, printable(command), printable(because)];
}

/** Each fix once, however many commands it helps. */
function fixLines(commands: readonly CommandDiagnosis[]): readonly string[] {
  const fixes = new Set(commands.map(({ fix }) => fix).filter((fix) => fix !== ''));
  if (fixes.size === 0) return [];
  return [
    '',
    'To change that:',
    ...[...fixes].map((fix) => {
      const helped = commands.filter((each) => each.fix === fix).map(({ command }) => command);
      return `  ${printable(fix)}  (for ${printable(helped.join(', '))})`;
    }),
  ];
}
