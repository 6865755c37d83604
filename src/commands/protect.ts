import { Command, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import { parsePort } from '../core/endpoint.js';
import { parseKeepalive, parseUserTimeout, type KeepaliveSettings } from '../core/mode.js';
import { directions, type Direction } from '../core/protection.js';
import { TcpaliveError } from '../errors.js';
import type { Environment } from './environment.js';
import { colorOption, jsonOption, parsePid } from './options.js';
import type { ColorChoice } from './style.js';

interface ProtectFlags {
  readonly port?: number;
  readonly unit?: string;
  readonly tree?: boolean;
  readonly keepalive?: KeepaliveSettings;
  readonly userTimeout?: number;
  readonly direction: Direction;
  readonly force?: boolean;
  /** Milliseconds; 0: at once. */
  readonly spread?: number;
  readonly follow?: boolean;
  readonly yes?: boolean;
  readonly undo?: string;
  readonly restore?: string;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

/** One target, and one of `keepalive` and `userTimeout` at least. */
export interface ProtectOrder extends ProtectFlags {
  readonly pid: number | undefined;
}

export function protectCommand(env: Environment): Command {
  return new Command('protect')
    .description(
      'set keepalive, a user timeout, or both in a program that runs already; a dry run unless --yes',
    )
    .argument('[pid]', 'the process', parsePid)
    .option('--port <port>', 'or whoever holds that local port', parsePort)
    .option('--unit <unit>', 'or a systemd unit or container')
    .option('--tree', 'its descendants too')
    .option('--keepalive <idle:interval:count>', 'such as 60s:10s:6', parseKeepalive)
    .option(
      '--user-timeout <time>',
      'give up data that is unanswered so long; with --keepalive or alone',
      parseUserTimeout,
    )
    .addOption(
      new Option('--direction <which>', 'accepted: not what it opened itself')
        .choices(directions)
        .default('both'),
    )
    .option(
      '--force',
      'connections too that this would end: whose peer takes nothing, or has left probes unanswered',
    )
    .option(
      '--spread <time>',
      'spread over that time, or none (default: the idle time, else the user timeout)',
      parseSpread,
    )
    .option('--follow', 'stay, and cover new sockets')
    .option('--yes', 'do it')
    .option('--undo <file>', 'where the old values are written to')
    .addOption(
      new Option('--restore <file>', 'bring the old values back').conflicts([
        'port',
        'unit',
        'tree',
        'keepalive',
        'userTimeout',
        'force',
        'spread',
        'follow',
        'undo',
      ]),
    )
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (pid: number | undefined, flags: ProtectFlags) => {
      if (flags.restore === undefined) {
        const order = checkedOrder(pid, flags);
        const { runProtect } = await import('./run-protect.js');
        await runProtect(env, order);
      } else {
        if (pid !== undefined) throw usage('--restore knows its sockets: leave the pid out');
        const { runRestore } = await import('./run-restore.js');
        await runRestore(env, flags.restore, flags);
      }
    });
}

const HELP = `
Sets it on the program's own sockets, while it runs: listeners at once, so that what they accept
inherits it; connections in random order over --spread, so that not all that is dead ends at once.
The old values are on the disk before the first is changed, under $XDG_STATE_HOME/tcpalive or
~/.local/state/tcpalive; --restore brings them back. It takes root, or the same user where
kernel.yama.ptrace_scope is 0.

Exit codes: 0 done; 2 usage; 3 no such process, no socket, or no right; 130/143 interrupted.

Examples:
  tcpalive protect 4242 --keepalive 60s:10s:6                      what would change
  tcpalive protect --port 6379 --keepalive 60s:10s:6 --user-timeout 2m --yes
  tcpalive protect --unit nginx --tree --keepalive 60s:10s:6 --yes --follow
  tcpalive protect --restore ~/.local/state/tcpalive/protect-20261120T140207Z-4711.jsonl
`;

/** Exactly one target, and something to set. */
function checkedOrder(pid: number | undefined, flags: ProtectFlags): ProtectOrder {
  const { port, unit, keepalive, userTimeout } = flags;
  const targets = [pid, port, unit].filter((target) => target !== undefined).length;
  if (targets === 0) throw usage('whom? a pid, --port or --unit is needed (or --restore)');
  if (targets > 1) throw usage('a pid, --port and --unit are three ways to say whom: keep one');
  if (keepalive === undefined && userTimeout === undefined) {
    throw usage('what is to be set? --keepalive 60s:10s:6, --user-timeout 2m, or both');
  }
  return { ...flags, pid };
}

function parseSpread(text: string): number {
  return text === 'none' ? 0 : parseDuration(text);
}

function usage(message: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', message);
}
