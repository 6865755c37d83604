/** `serve --replace`: a running server, named by its status address, is asked to do what SIGUSR2 does. */
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { replacementOf, type Replacement, type ReplacementOutcome } from '../core/replacement.js';
import type { RestartEntry } from '../core/serve-log.js';
import { roundMs } from '../core/distribution.js';
import { msBetween } from '../core/time.js';
import { errorCodes } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { requestReplacement } from '../net/replace-request.js';
import { replacementProgress, reportReplacement } from '../report/replacement.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import type { ServeFlags } from './serve.js';
import { styleFor } from './style.js';

export async function runReplace(
  env: Environment,
  at: Endpoint,
  { json = false, color }: Pick<ServeFlags, 'json' | 'color'>,
): Promise<void> {
  const interrupt = listenForInterrupt(env);
  const [startedAt, from] = [new Date().toISOString(), monotonicNow()];
  const entries: RestartEntry[] = [];
  const silence = await requestReplacement(at, {
    interruption: interrupt.signal,
    onEntry: (entry) => {
      entries.push(entry);
      const progress = replacementProgress(entry);
      if (progress !== undefined) env.stderr.write(`${progress}\n`);
    },
  }).finally(() => interrupt.ignore());
  const result: Replacement = {
    schema: 'tcpalive/replace/1',
    complete: !interrupt.happened,
    startedAt,
    durationMs: roundMs(msBetween(from, monotonicNow())),
    status: formatEndpoint(at),
    ...replacementOf(entries, silence),
  };
  const style = styleFor(env, env.stdout, color);
  env.stdout.write(reportReplacement(result, { asJson: json, style }));
  env.setExitCode(interrupt.exitCode(EXIT_CODES[result.outcome.kind]));
}

const EXIT_CODES: Readonly<Record<ReplacementOutcome['kind'], number>> = {
  replaced: 0,
  refused: 1,
  failed: 1,
  unknown: errorCodes.NO_ANSWER,
};
