import type { Evidence } from '../core/verdict.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Snapshot } from './station.js';

/**
 * What the kernel says of a connection that is still there. Asked from outside the process that
 * holds it, which may have no descriptor left for asking. Undefined when it has ended.
 */
export function evidenceOf(
  kernel: Kernel,
  { ended, info, local, remote }: Snapshot,
): Evidence | undefined {
  if (ended !== null) return undefined;
  const isSeen = kernel.capabilities.sockDiag && local.port !== 0;
  const diag = isSeen ? kernel.socketDiag(local, remote) : undefined;
  if (diag === undefined && isSeen) return undefined; // it ended just now
  return {
    state: diag?.state ?? info?.state ?? 'UNKNOWN',
    timer: diag?.timer.kind ?? 'unknown',
    expiresInMs: diag?.timer.expiresInMs ?? null,
    retransmissions: diag?.retransmissions ?? info?.retransmits ?? 0,
    sendQueueBytes: diag?.sendQueueBytes ?? 0,
  };
}
