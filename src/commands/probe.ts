import { Command, Option } from 'commander';
import { parseFaults, type Fault } from '../core/condition.js';
import { parseEndpoint, type Endpoint } from '../core/endpoint.js';
import { formatDuration, parseDuration } from '../core/duration.js';
import { formatMode, parseMode, type Mode } from '../core/mode.js';
import { TcpaliveError } from '../errors.js';
import { parseFormat, type Format } from '../report/format.js';
import { addAuditFlags, refuseUnauditable, type AuditFlags } from './audit-flags.js';
import { addConnectFlags, refuseUnconnectable, type ConnectFlags } from './connect-flags.js';
import type { Environment } from './environment.js';
import { colorOption, jsonOption, wholeNumber } from './options.js';
import {
  addProtocolOptions,
  PROTOCOL_HELP,
  refuseHalfProtocol,
  type ProtocolFlags,
} from './protocol-flags.js';
import type { ColorChoice } from './style.js';

export interface ProbeFlags extends ConnectFlags, AuditFlags, ProtocolFlags {
  readonly mode: Mode;
  readonly count?: number;
  readonly duration?: number;
  readonly dropAfter?: number;
  readonly fault: Fault;
  readonly script?: string;
  readonly reconnect?: boolean;
  readonly quiet?: boolean;
  readonly format: Format;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

export function probeCommand(env: Environment): Command {
  const command = new Command('probe')
    .description('connect, beat, and say whether the peer is alive; if not, who fell silent')
    .argument('<host:port>', 'a server; what it speaks is guessed from the port', parseEndpoint)
    .addOption(
      new Option('--mode <mode>', 'how to find out that the peer is gone')
        .default({ heartbeat: { intervalMs: 1000, timeoutMs: 3000 } }, 'heartbeat=1s:3s')
        .env('TCPALIVE_MODE')
        .argParser(parseMode),
    );
  addProtocolOptions(command)
    .option('--count <n>', 'stop after so many answered beats', wholeNumber(1, 1_000_000_000))
    .option('--duration <time>', 'stop after that time', parseDuration)
    .addOption(
      new Option('--drop-after <time>', 'then really cut this connection, and see')
        .argParser(parseDuration)
        .conflicts(['count', 'reconnect']),
    )
    .option('--fault <fault>', 'what --drop-after does: blackhole', parseFault, 'blackhole')
    .addOption(
      new Option('--script <file>', "play the client's steps of a scenario").conflicts([
        'count',
        'duration',
        'dropAfter',
        'reconnect',
        'protocol',
        'send',
        'json',
        'format',
        'quiet',
      ]),
    )
    .option('--reconnect', 'connect again whenever the connection ends')
    .option('-q, --quiet', 'only the summary');
  return addConnectFlags(addAuditFlags(command))
    .addOption(
      new Option('--format <format>', 'table, json, or jsonl (a line an event)')
        .default('table')
        .argParser(parseProbeFormat),
    )
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (remote: Endpoint, flags: ProbeFlags, command: Command) => {
      refuseImpossible(remote, flags);
      refuseUnauditable(flags, (flag) => command.getOptionValueSource(flag) === 'cli');
      const run = await runner(flags);
      await run(env, remote, flags, command.getOptionValueSource('mode') !== 'default');
    });
}

/** @param isModeGiven otherwise `flags.mode` is only what a probe does then */
export type RunProbe = (
  env: Environment,
  remote: Endpoint,
  flags: ProbeFlags,
  isModeGiven: boolean,
) => Promise<void>;

async function runner({ vanish, idleLimit, script }: ProbeFlags): Promise<RunProbe> {
  if (vanish === true) return (await import('./run-vanish.js')).runVanish;
  if (idleLimit === true) return (await import('./run-idle-limit.js')).runIdleLimit;
  if (script !== undefined) return (await import('./run-script.js')).runScript;
  return (await import('./run-probe.js')).runProbe;
}

const HELP = `
A beat is a question in the server's own protocol: PING, HEAD, NOOP. Where nothing is known of the
port it is the kernel's keepalive probe, which the kernel there answers and no program hears: it says
nothing of a hung process. Modes without heartbeat send nothing.

${PROTOCOL_HELP}

Exit codes: 0 alive, or cut by --drop-after and noticed as predicted; 1 dead or closed; 3 not one
beat was answered, or it cannot be reached, or the cut is not proven; 130/143 interrupted.

A name may have several addresses: all are shown, and the first that connects is used. What is wrong
with a certificate ends the probe, or is told under --insecure.

--drop-after cuts this end: nothing from the peer arrives any more, and what we send still leaves.
At its end the connection is reset, so that the peer is not left with it.

--vanish opens two connections and lets one go silent: what the server does about it, and not about the
other, tells how long it keeps a client that vanished, and by which mechanism. Nothing is sent but one
keepalive probe now and then; --connections lets more of them vanish.

--idle-limit opens many connections, silent for 1s, 2s, 4s and so on, and lets the kernel ask each with
one keepalive probe: no byte is sent, so it works with any server. It takes two to four times the limit.
Exit codes of both: 0 measured, or not up to --wait; 1 an --expect failed; 3 it could not be measured;
130/143 interrupted.

Examples:
  tcpalive probe 127.0.0.1:7777 --count 5
  tcpalive probe [::1]:7777 --mode heartbeat=200ms:1s --quiet
  tcpalive probe cache.example:6379 --secret-file password --protocol redis
  tcpalive probe 127.0.0.1:9000 --send 'ping\\r\\n' --expect-reply '/^pong/'
  tcpalive probe 127.0.0.1:7777 --drop-after 3s                               without any privilege
  tcpalive probe 127.0.0.1:7777 --mode keepalive=1s:1s:3 --drop-after 2s --json
  tcpalive probe example.org:443 --tls --mode keepalive=5s:1s:3 --duration 1m
  tcpalive probe 127.0.0.1:6379 --vanish --wait 5m
  tcpalive probe 127.0.0.1:6379 --vanish --expect 'noticed<5m' --expect 'mechanism=keepalive'
  tcpalive probe example.org:443 --idle-limit                                 what NAT and firewalls allow
  tcpalive probe example.org:443 --idle-limit --mode keepalive=60s:10s:6 --wait 1h
`;

/** Flags that each make sense, and not together. */
function refuseImpossible(remote: Endpoint, flags: ProbeFlags): void {
  refuseUnconnectable(remote, flags);
  const { mode, count, duration, dropAfter, protocol, send, vanish, idleLimit } = flags;
  refuseHalfProtocol(flags);
  // An audit says something first, and beats never.
  const beats = vanish !== true && idleLimit !== true;
  const isSpoken = protocol !== undefined || send !== undefined;
  if (beats && mode.heartbeat === undefined && isSpoken) {
    const flag = send === undefined ? '--protocol' : '--send';
    throw new TcpaliveError(
      'BAD_USAGE',
      `${flag} says what beats are, and mode ${formatMode(mode)} sends no beats`,
    );
  }
  if (count !== undefined && mode.heartbeat === undefined) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `--count counts answered beats, and mode ${formatMode(mode)} sends no beats: use --duration`,
    );
  }
  if (dropAfter !== undefined && duration !== undefined && duration <= dropAfter) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `--duration ${formatDuration(duration)} is not longer than --drop-after ${formatDuration(dropAfter)}`,
    );
  }
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
