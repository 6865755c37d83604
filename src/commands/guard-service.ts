/** One service from flags, where `guard` is given a command and no file. */
import { basename } from 'node:path';
import type { ServiceConfig } from '../core/guard/service-config.js';
import { serviceFrom, type ServiceShape } from '../core/guard/service-shape.js';
import { TcpaliveError } from '../errors.js';
import type { GuardFlags } from './guard.js';

/** @throws TcpaliveError BAD_USAGE naming the flag */
export function serviceFromFlags(words: readonly string[], flags: GuardFlags): ServiceConfig {
  const { protocol, fresh, healthy, unhealthy, interval, checkTimeout, check = [] } = flags;
  const shape: ServiceShape = {
    name: flags.name ?? nameFrom(words[0]),
    command: words.length === 0 ? undefined : words,
    checks: check.map((address) => ({
      address,
      ...(address.target.kind === 'tcp' ? { protocol, fresh } : { healthy, unhealthy }),
      interval,
      timeout: checkTimeout,
    })),
    ca: flags.ca,
    aliveBy: flags.aliveBy,
    timeout: flags.timeout,
    startTimeout: flags.startTimeout,
    stopTimeout: flags.stopTimeout,
    onDead: flags.onDead,
    onExit: flags.onExit,
    restarts: flags.restarts,
    backOff: flags.backOff,
    onGiveUp: flags.onGiveUp,
    restartUrls: flags.restartUrl,
    restartCommand: flags.restartCommand,
    beforeKill: flags.beforeKill,
    output: flags.output,
  };
  refuseIdle(flags);
  return serviceFrom(shape, {
    allowRemote: flags.allowRemote ?? false,
    refuse: (path, message) => {
      const [key, , within] = path;
      const flag = FLAGS[String(within ?? key)] ?? String(within ?? key ?? '');
      const about = flag === '' ? '' : `--${flag}: `;
      return new TcpaliveError('BAD_USAGE', `${about}${message}`, {
        hint: 'tcpalive guard --help',
      });
    },
  });
}

/** Flags that would do nothing. @throws TcpaliveError BAD_USAGE */
function refuseIdle({ check = [], ...flags }: GuardFlags): void {
  const kinds = check.map(({ target }) => target.kind);
  const ofChecks = [
    ['protocol', 'tcp'],
    ['fresh', 'tcp'],
    ['healthy', 'http'],
    ['unhealthy', 'http'],
  ] as const;
  for (const [flag, kind] of ofChecks) {
    if (flags[flag] === undefined || kinds.includes(kind)) continue;
    throw new TcpaliveError(
      'BAD_USAGE',
      `--${flag} goes with --check ${kind}://…, which is not given`,
    );
  }
  const idle = flags.interval ?? flags.checkTimeout;
  if (idle === undefined || check.length > 0) return;
  const flag = flags.interval === undefined ? 'check-timeout' : 'interval';
  throw new TcpaliveError('BAD_USAGE', `--${flag} goes with --check, which is not given`);
}

/** Keys of a service whose flag is called otherwise. */
const FLAGS: Readonly<Record<string, string>> = {
  address: 'check',
  checks: 'check',
  aliveBy: 'alive-by',
  startTimeout: 'start-timeout',
  stopTimeout: 'stop-timeout',
  onDead: 'on-dead',
  onExit: 'on-exit',
  restartUrls: 'restart-url',
  restartCommand: 'restart-command',
  beforeKill: 'before-kill',
};

function nameFrom(program = 'service'): string {
  const name = basename(program)
    .replace(/[^\w.-]/g, '-')
    .slice(0, 64);
  return name === '' ? 'service' : name;
}
