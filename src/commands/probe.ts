import { Command, Option } from 'commander';
import { parseFaults, type Fault } from '../core/condition.js';
import { parseEndpoint, type Endpoint } from '../core/endpoint.js';
import { parseMode, type Mode } from '../core/mode.js';
import type { ProbeResult } from '../core/probe-result.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { TcpaliveError } from '../errors.js';
import { interruptible } from '../net/interruption.js';
import { probe } from '../net/probe.js';
import { parseFormat, type Format } from '../report/format.js';
import { jsonText } from '../report/json.js';
import { probeLine, probeSummary } from '../report/probe.js';
import { interruptExitCode, type Environment, type InterruptSignal } from './environment.js';
import {
  argument,
  chosenFormat,
  colorOption,
  jsonOption,
  parseDurationArgument,
  wholeNumber,
} from './options.js';
import { playScript } from './script.js';
import { styleFor, type ColorChoice } from './style.js';

interface Options {
  readonly mode: Mode;
  readonly count?: number;
  readonly duration?: number;
  readonly dropAfter?: number;
  readonly fault: Fault;
  readonly script?: string;
  readonly reconnect?: boolean;
  readonly quiet?: boolean;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly format: Format;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

export function probeCommand(env: Environment): Command {
  return new Command('probe')
    .description('connect, beat, and say whether the peer is alive; if not, who fell silent')
    .argument('<host:port>', 'an echo server such as tcpalive serve', argument(parseEndpoint))
    .addOption(
      new Option('--mode <mode>', 'how to find out that the peer is gone')
        .default({ heartbeat: { intervalMs: 1000, timeoutMs: 3000 } }, 'heartbeat=1s:3s')
        .env('TCPALIVE_MODE')
        .argParser(argument(parseMode)),
    )
    .option('--count <n>', 'stop after so many answered beats', wholeNumber(1, 1_000_000_000))
    .option('--duration <time>', 'stop after that time', parseDurationArgument)
    .option(
      '--drop-after <time>',
      'then really cut this connection, and see',
      parseDurationArgument,
    )
    .option(
      '--fault <fault>',
      'what --drop-after does: blackhole',
      argument(parseFault),
      'blackhole',
    )
    .addOption(
      new Option('--script <file>', "play the client's steps of a scenario").conflicts([
        'count',
        'duration',
        'dropAfter',
        'reconnect',
        'json',
        'format',
        'quiet',
      ]),
    )
    .option('--reconnect', 'connect again whenever the connection ends')
    .option('-q, --quiet', 'only the summary')
    .option('-4, --ipv4', 'only IPv4')
    .addOption(new Option('-6, --ipv6', 'only IPv6').conflicts('ipv4'))
    .addOption(
      new Option('--format <format>', 'table, json, or jsonl (a line an event)')
        .default('table')
        .argParser(argument(parseProbeFormat)),
    )
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action((remote: Endpoint, options: Options) => run(env, remote, options));
}

const HELP = `
A beat is an empty frame (two zero bytes), its echo the answer. Modes without heartbeat send nothing.

Exit codes: 0 alive, or cut by --drop-after and noticed as predicted; 1 dead or closed; 3 not one
beat was answered, or it cannot be reached; 130/143 interrupted.

Examples:
  tcpalive probe 127.0.0.1:7777 --count 5
  tcpalive probe [::1]:7777 --mode heartbeat=200ms:1s --quiet
  tcpalive probe 127.0.0.1:7777 --drop-after 3s                               without any privilege
  tcpalive probe 127.0.0.1:7777 --mode keepalive=1s:1s:3 --drop-after 2s --json
`;

async function run(env: Environment, remote: Endpoint, options: Options): Promise<void> {
  const format = chosenFormat(options);
  const style = styleFor(env, env.stdout, options.color);
  const interruption = interruptible();
  let signal: InterruptSignal | undefined;
  const unlisten = env.onInterrupt((received) => {
    signal = received;
    interruption.interrupt();
  });
  const kernel = await openKernel();
  const family = options.ipv4 === true ? 4 : options.ipv6 === true ? 6 : undefined;
  if (options.script !== undefined) {
    const { script: file, mode } = options;
    await playScript(env, kernel, { file, remote, mode, family, interruption });
    if (signal !== undefined) env.setExitCode(interruptExitCode[signal]);
    return;
  }
  const result = await probe(
    kernel,
    {
      remote,
      family,
      mode: options.mode,
      count: options.count,
      durationMs: options.duration,
      dropAfterMs: options.dropAfter,
      reconnect: options.reconnect ?? false,
      host: hostFacts(kernel),
      interruption,
    },
    (event) => {
      if (options.quiet === true) return;
      if (format === 'jsonl') env.stdout.write(`${jsonText(event)}\n`);
      else (format === 'json' ? env.stderr : env.stdout).write(probeLine(event, style));
    },
  );
  unlisten();
  env.stdout.write(summary(result, format));
  const code = exitCode(result);
  if (signal !== undefined) env.setExitCode(interruptExitCode[signal]);
  else if (code === 3) throw noAnswer(result);
  else env.setExitCode(code);
}

function summary(result: ProbeResult, format: Format): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  return format === 'jsonl' ? `${jsonText(result)}\n` : probeSummary(result);
}

function exitCode({ verdict, beats, drop, lost }: ProbeResult): number {
  if (verdict.kind === 'no-answer' && beats.answered === 0) return 3;
  if (drop !== null) return drop.agrees === false ? 1 : 0;
  return verdict.kind === 'alive' && lost === 0 ? 0 : 1;
}

function noAnswer({ target }: ProbeResult): TcpaliveError {
  return new TcpaliveError(
    'NO_ANSWER',
    `${target} never answered a beat: alive or not cannot be said`,
    {
      hint: 'beats work against servers that echo frames, such as tcpalive serve; try --mode keepalive=5s:1s:3 for any other',
    },
  );
}

/** From one end alone a connection can be cut, but nobody else's process stopped or socket closed. */
function parseFault(text: string): Fault {
  const [fault] = parseFaults(text);
  if (fault === 'blackhole') return fault;
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' takes both ends: compare --faults ${text}; a probe can do blackhole`,
  );
}

function parseProbeFormat(text: string): Format {
  const format = parseFormat(text);
  if (format === 'table' || format === 'json' || format === 'jsonl') return format;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is for tables: table, json or jsonl here`);
}
