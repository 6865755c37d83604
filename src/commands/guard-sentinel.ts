import { Command } from 'commander';
import { parseDuration } from '../core/duration.js';
import type { Environment } from './environment.js';

/** What `guard` starts: it ends what a guardian leaves behind that was killed. Never typed by a person. */
export function guardSentinelCommand(env: Environment): Command {
  return new Command('guard-sentinel')
    .description('outlives a guardian that is killed, started by guard')
    .argument('<token>')
    .argument('<stop-timeout>', 'from SIGTERM to SIGKILL', parseDuration)
    .argument('[folder]', "of the guardian's sockets, to be removed")
    .action(async (token: string, stopTimeoutMs: number, folder?: string) => {
      const { runGuardSentinel } = await import('./run-guard-sentinel.js');
      await runGuardSentinel(env, { token, stopTimeoutMs, folder });
    });
}
