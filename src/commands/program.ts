/** The command line as a whole. Building it has no side effects; running it throws. */
import { Command } from 'commander';
import type { Environment } from './environment.js';
import { compareCommand } from './compare.js';
import { doctorCommand } from './doctor.js';
import { guardCommand } from './guard.js';
import { guardSentinelCommand } from './guard-sentinel.js';
import { nameFlagsInErrors } from './options.js';
import { printable } from '../report/printable.js';
import { labCommand } from './lab.js';
import { lsCommand } from './ls.js';
import { probeCommand } from './probe.js';
import { protectCommand } from './protect.js';
import { reapCommand } from './reap.js';
import { serveWorkerCommand } from './serve-worker.js';
import { serveCommand } from './serve.js';

/** @param named of the arguments the first: where that is a command the others are not built, which takes as long */
export function buildProgram(env: Environment, named?: string): Command {
  const program = new Command('tcpalive')
    .description(
      'How long does a dead TCP connection stay ESTABLISHED, and what would have noticed sooner?',
    )
    .version(env.version, '-V, --version', 'print the version')
    .helpCommand(true)
    .addHelpText('after', HELP);
  const all = Object.entries(COMMANDS);
  const meant = all.filter(([name]) => name === named);
  for (const [, command] of meant.length > 0 ? meant : all) {
    program.addCommand(command(env), { hidden: HIDDEN.includes(command) });
  }
  for (const command of [program, ...program.commands]) {
    nameFlagsInErrors(command);
    command.exitOverride().configureOutput({
      writeOut: (text) => env.stdout.write(text),
      // It echoes arguments.
      writeErr: (text) => env.stderr.write(text.split('\n').map(printable).join('\n')),
      outputError: (text, write) => {
        const name = command === program ? 'tcpalive' : `tcpalive ${command.name()}`;
        write(likeOurs(text, name));
      },
      getOutHelpWidth: () => env.stdout.columns ?? 80,
      getErrHelpWidth: () => env.stderr.columns ?? 80,
    });
  }
  return program;
}

/** What commander refuses, as cli.ts writes what we refuse: the code, and a hint on a line of its own. */
function likeOurs(text: string, name: string): string {
  const [message = '', similar] = text.trimEnd().split('\n');
  const meant = /^\((Did you mean .*)\)$/.exec(similar ?? '')?.[1];
  return `${message} (BAD_USAGE)\n  ${meant ?? `${name} --help says what there is`}\n`;
}

/** By their names. */
const COMMANDS = {
  compare: compareCommand,
  serve: serveCommand,
  probe: probeCommand,
  ls: lsCommand,
  protect: protectCommand,
  reap: reapCommand,
  guard: guardCommand,
  doctor: doctorCommand,
  lab: labCommand,
  'serve-worker': serveWorkerCommand,
  'guard-sentinel': guardSentinelCommand,
};

/** They are started by the others. */
const HIDDEN = [labCommand, serveWorkerCommand, guardSentinelCommand];

const HELP = `
Modes: none, keepalive=IDLE:INTERVAL:COUNT, keepalive=system, user-timeout=T,
  heartbeat=INTERVAL:TIMEOUT, idle-timeout=T, rto-max=T; combined with +. Durations: 250ms, 3s, 1m30s, 2h.

Examples:
  tcpalive compare                                     which mode notices a vanished peer, and when
  tcpalive serve & tcpalive probe 127.0.0.1:7777       an echo server, and a client that beats
  tcpalive probe 127.0.0.1:7777 --drop-after 3s        the same, and really cut after three seconds
  tcpalive ls                                          what lingers here, and when it will die
  tcpalive protect 4242 --keepalive 60s:10s:6          keepalive for a running program: dry run
  tcpalive doctor                                      what can be done on this machine

Exit codes: 0 done or alive, 1 a negative verdict, 2 usage, 3 could not test, 130/143 interrupted.
`;
