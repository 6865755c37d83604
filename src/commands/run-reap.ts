import { TcpaliveError } from '../errors.js';
import { journalPath } from '../host/journal.js';
import { requireProcess } from '../host/process.js';
import { reap } from '../host/reap.js';
import { ownSession } from '../host/session.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';
import { printable } from '../report/printable.js';
import { reportReap } from '../report/reap.js';
import { askWaitMs } from './ask-wait.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import type { ReapFlags } from './reap.js';
import { selectionFrom } from './selection.js';
import { styleFor } from './style.js';

export async function runReap(env: Environment, flags: ReapFlags): Promise<void> {
  const kernel = await openKernel();
  refuseWithoutDestroy(kernel);
  if (flags.pid !== undefined) requireProcess(kernel, flags.pid);
  const interrupt = listenForInterrupt(env);
  const result = await reap(kernel, {
    selection: selectionFrom(flags),
    rules: { afterMs: flags.after, session: ownSession(kernel, env.variables) },
    askWaitMs: flags.ask === undefined ? undefined : askWaitMs(flags.ask),
    recordFile:
      flags.yes === true ? (flags.record ?? journalPath(env.variables, 'reap')) : undefined,
    variables: env.variables,
    interruption: interrupt.signal,
    tell: (line) => env.stderr.write(`${printable(line)}\n`),
  });
  interrupt.ignore();
  const style = styleFor(env, env.stdout, flags.color);
  env.stdout.write(reportReap(result, { format: flags.json === true ? 'json' : 'table', style }));
  const wasRefused = result.connections.some(({ outcome }) => outcome.kind === 'refused');
  env.setExitCode(interrupt.exitCode(wasRefused ? COULD_NOT : 0));
}

const COULD_NOT = 3;

function refuseWithoutDestroy({ capabilities }: Kernel): void {
  if (!capabilities.sockDiag) {
    throw new TcpaliveError('NO_CAPABILITY', "the kernel's table of sockets cannot be read here");
  }
  if (!capabilities.sockDestroy) {
    throw new TcpaliveError(
      'NO_CAPABILITY',
      'nothing can be ended from outside: no SOCK_DESTROY here',
      {
        hint: 'it takes root and a kernel with INET_DIAG_DESTROY; tcpalive protect works without it',
      },
    );
  }
}
