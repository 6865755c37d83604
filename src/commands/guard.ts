import { Command, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import { parseActionUrl, parseCheckTarget, type ActionUrl } from '../core/guard/check-target.js';
import { parseHealthCondition, type HealthCondition } from '../core/guard/health-condition.js';
import {
  parseBackOff,
  parseBeforeKill,
  parseCommand,
  parseRestartLimit,
} from '../core/guard/restart-grammar.js';
import type {
  BackOff,
  BeforeKill,
  OwnVoice,
  RestartLimit,
  ServiceConfig,
} from '../core/guard/service-config.js';
import { parseList } from '../core/list.js';
import { parseProtocolName } from '../core/protocol-presets.js';
import { TcpaliveError } from '../errors.js';
import type { Environment } from './environment.js';
import { serviceFromFlags } from './guard-service.js';
import { colorOption, refuseBeside, repeatable, typedFlags } from './options.js';
import {
  exposeStatusOption,
  refuseExposed,
  statusOption,
  type StatusFlags,
} from './status-flags.js';
import type { ColorChoice } from './style.js';

export interface GuardFlags extends StatusFlags {
  readonly config?: string;
  readonly name?: string;
  readonly check?: readonly ReturnType<typeof parseCheck>[];
  readonly protocol?: string;
  readonly fresh?: boolean;
  readonly healthy?: readonly HealthCondition[];
  readonly unhealthy?: readonly HealthCondition[];
  readonly interval?: number;
  readonly checkTimeout?: number;
  readonly ca?: string;
  readonly aliveBy?: readonly OwnVoice[];
  readonly timeout?: number;
  readonly startTimeout?: number;
  readonly stopTimeout?: number;
  readonly onDead?: 'restart' | 'report';
  readonly onExit?: 'always' | 'on-failure';
  readonly restarts?: RestartLimit;
  readonly backOff?: BackOff;
  readonly onGiveUp?: 'exit' | 'wait';
  readonly restartUrl?: readonly ActionUrl[];
  readonly restartCommand?: readonly string[];
  readonly beforeKill?: BeforeKill;
  readonly output?: 'inherit' | 'ignore';
  readonly dryRun?: boolean;
  readonly allowRemote?: boolean;
  readonly events?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: ColorChoice;
}

export function guardCommand(env: Environment): Command {
  const command = new Command('guard')
    .description('start services, and restart those that hang without crashing')
    .argument('[command...]', 'a program and its arguments, after --; no shell reads them')
    .option('--config <file>', 'several services, in YAML; SIGHUP reads it again')
    .option('--name <name>', "in what is told; default: the program's", parseName);
  addCheckOptions(command);
  addRestartOptions(command);
  command
    .option('--dry-run', 'start it, and only tell what would be done')
    .option('--allow-remote', 'addresses that are not on this host too');
  return command
    .addOption(statusOption())
    .addOption(exposeStatusOption())
    .option('--events <file>', 'also append all events there, JSON lines; SIGHUP reopens it')
    .addOption(new Option('--json', 'events as JSON lines on standard output'))
    .option('-q, --quiet', 'only what went wrong')
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (words: readonly string[], flags: GuardFlags) => {
      refuseExposed(flags);
      const service = serviceOf(words, flags, command);
      const { runGuard } = await import('./run-guard.js');
      await runGuard(env, flags, service);
    });
}

function addCheckOptions(command: Command): void {
  command
    .option(
      '--check <address>',
      'ask tcp://host:port or http(s)://…; several',
      repeatable(parseCheck),
    )
    .option('--protocol <name>', 'what the tcp:// address speaks, or a file', parseProtocolName)
    .option('--fresh', 'a connection of its own for each question')
    .option(
      '--healthy <condition>',
      'what http:// must say, such as state=Running',
      repeatable(parseHealthCondition),
    )
    .option('--unhealthy <condition>', 'what it must not say', repeatable(parseHealthCondition))
    .option('--interval <time>', 'from question to question (default: 2s)', parseDuration)
    .option('--check-timeout <time>', 'how long an answer may take (default: 5s)', parseDuration)
    .option('--ca <file>', "certificates (PEM) to trust at https://, instead of Node's own")
    .option('--alive-by <list>', 'what it has to say by itself: beats, systemd', parseVoices)
    .option(
      '--timeout <time>',
      'dead when a sign of life stays away so long (default: 10s)',
      parseDuration,
    )
    .option('--start-timeout <time>', 'how long the first may take (default: 30s)', parseDuration);
}

function addRestartOptions(command: Command): void {
  command
    .option('--stop-timeout <time>', 'from SIGTERM to SIGKILL (default: 10s)', parseDuration)
    .addOption(new Option('--on-dead <what>', 'default: restart').choices(['restart', 'report']))
    .addOption(
      new Option(
        '--on-exit <when>',
        'start it again when it ends by itself; default: on-failure',
      ).choices(['always', 'on-failure']),
    )
    .option(
      '--restarts <n/time>',
      'at most so many in that time (default: 10/10m)',
      parseRestartLimit,
    )
    .option(
      '--back-off <time:time>',
      'the second restart waits, up to (default: 500ms:30s)',
      parseBackOff,
    )
    .addOption(
      new Option('--on-give-up <what>', 'exit ends ALL services; default: exit').choices([
        'exit',
        'wait',
      ]),
    )
    .option(
      '--restart-url <address>',
      'call that when it is dead, in order; several',
      repeatable(parseActionUrl),
    )
    .option('--restart-command <command>', 'run that instead', parseCommand)
    .option(
      '--before-kill <what>',
      'SIGQUIT, SIGABRT or a command, while it still hangs',
      parseBeforeKill,
    )
    .addOption(
      new Option('--output <where>', 'of the service; default: inherit').choices([
        'inherit',
        'ignore',
      ]),
    );
}

/** Undefined: a file says it. @throws TcpaliveError BAD_USAGE */
function serviceOf(
  words: readonly string[],
  flags: GuardFlags,
  command: Command,
): ServiceConfig | undefined {
  if (flags.config === undefined) return serviceFromFlags(words, flags);
  refuseBeside('--config', typedFlags(command), OF_ALL);
  if (words.length === 0) return undefined;
  throw new TcpaliveError(
    'BAD_USAGE',
    `--config and a command, ${words[0] ?? ''}: the file says all`,
  );
}

/** They are about the guardian and not about one service. */
const OF_ALL = [
  '--dry-run',
  '--allow-remote',
  '--status',
  '--expose-status',
  '--events',
  '--json',
  '--quiet',
  '--color',
];

function parseName(name: string): string {
  if (/^[\w.-]{1,64}$/.test(name)) return name;
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${name}' is not a name: 1 to 64 letters, digits, dots, dashes and underscores`,
  );
}

function parseCheck(text: string) {
  return { text, target: parseCheckTarget(text) };
}

function parseVoices(text: string): readonly OwnVoice[] {
  return parseList(text, (voice) => {
    if (voice === 'beats' || voice === 'systemd') return voice;
    throw new TcpaliveError('BAD_USAGE', `'${voice}' is not beats or systemd`);
  });
}

const HELP = `
A service is alive by each of these, and dead when one of them stays away for --timeout:
  --check tcp://…        it is connected to and asked, in the protocol that its port suggests
  --check http://…       it answers 2xx, --healthy and not --unhealthy: FIELD=VALUE, FIELD<NUMBER, text:WORDS
  beats                  it sends them (import { register } from 'tcpalive/guardian'), from its first on
  systemd                it sends WATCHDOG=1 (sd_notify(3)), from its first on
--alive-by makes the last two a must, from the start on.

A dead service gets SIGTERM (and SIGCONT), after --stop-timeout SIGKILL, with all that it has started;
once nothing of it is left it is started again: at once, then after a back-off that doubles, at most
--restarts. Then it is given up: the guardian stops ALL ITS SERVICES, healthy ones too, and exits with 1; with
--on-give-up wait (onGiveUp: wait) the others go on and SIGHUP tries it again. A service that replaces
itself and says so (MAINPID=) is followed. Without a command what is dead is not started from here:
--restart-url or --restart-command restart it.

--before-kill and --restart-command are words and no shell reads them (sh -c '…' does); before a kill the
process is in TCPALIVE_GUARD_PID. A relative folder in a file goes by where the guardian runs.

When the guardian itself was stopped or starved, or several services fall silent at one instant, silences
are counted anew before anything is done. SIGTERM stops services in order, the last one first; at a second
one, or when the guardian is killed, a sentinel ends them all, with SIGKILL after --stop-timeout.

Events go to standard error in words; with --json to standard output, which is theirs alone then: what
services write there goes to standard error. On a terminal that no service writes to (--output ignore), a
line a service instead.

Examples:
  tcpalive guard --check tcp://127.0.0.1:7777 -- tcpalive serve
  tcpalive guard --alive-by systemd --timeout 5s -- python3 worker.py
  tcpalive guard --check http://127.0.0.1:8080/status --healthy state=Running -- node server.js
  tcpalive guard --check http://127.0.0.1:8080/status --unhealthy state=Stopped \\
    --restart-url http://127.0.0.1:8081/stop --restart-url http://127.0.0.1:8081/start
  tcpalive guard --config guard.yaml --status 127.0.0.1:7790 --events /var/log/guard.jsonl
`;
