import type { RestoreResult } from '../core/protection.js';
import { readUndo, restore } from '../host/undo.js';
import { jsonText } from '../report/json.js';
import { restoreWords } from '../report/protect.js';
import { TcpaliveError } from '../errors.js';
import { OTHERS_HINT } from '../host/targets.js';
import type { Environment } from './environment.js';
import { openReachingKernel } from './open-reaching-kernel.js';

export async function runRestore(
  env: Environment,
  undoFile: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const entries = readUndo(undoFile);
  const kernel = await openReachingKernel('protect --restore');
  const counts = restore(kernel, entries);
  const result: RestoreResult = {
    schema: 'tcpalive/restore/1',
    undoFile,
    ...counts,
    notes:
      counts.restored > 0 && entries.some(({ peer }) => peer.port === 0)
        ? ['connections that a listener accepted meanwhile keep what they inherited']
        : [],
  };
  env.stdout.write(json === true ? `${jsonText(result, 2)}\n` : restoreWords(result));
  if (counts.refused === 0) return;
  throw new TcpaliveError('NO_CAPABILITY', `${counts.refused} of ${entries.length} were refused`, {
    hint: OTHERS_HINT,
  });
}
