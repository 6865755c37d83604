/** Asks a status address again and again whether its service is well. */
import { troubleIn, type HealthConditions } from '../core/guard/health-condition.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { askHttp, type HttpAnswer, type HttpRequest } from './http-request.js';
import { repeat, type Asked, type RepeatedOptions } from './repeated.js';

/** A status outside 2xx is a failure, whatever is asked of the answer. */
export interface HttpCheckOptions
  extends HealthConditions, RepeatedOptions, Pick<HttpRequest, 'url'> {
  /** As for one request, looked at anew for each. */
  readonly ca?: (() => string | undefined) | undefined;
}

/** A status says what is the matter; a page goes on. */
const MOST_BODY_BYTES = 64 * 1024;

export function watchHttp(options: HttpCheckOptions, hear: (sign: Sign) => void): Ear {
  return repeat(options, (interruption) => checkHttp(options, interruption), hear);
}

async function checkHttp(options: HttpCheckOptions, interruption: AbortSignal): Promise<Asked> {
  const { url, ca, timeoutMs } = options;
  const from = monotonicNow();
  const answer = await askHttp({
    method: 'GET',
    maxBodyBytes: MOST_BODY_BYTES,
    ca: ca?.(),
    ...{ url, timeoutMs, interruption },
  });
  return { sign: signOf(answer, options), waitedMs: msBetween(from, monotonicNow()) };
}

function signOf(answer: HttpAnswer, conditions: HealthConditions): Sign {
  const reason =
    answer.kind === 'answered'
      ? troubleIn(answer.body, conditions)
      : answer.kind === 'failed'
        ? answer.reason
        : answer.kind;
  return reason === undefined
    ? { kind: 'alive', by: 'http' }
    : { kind: 'failed', by: 'http', reason };
}
