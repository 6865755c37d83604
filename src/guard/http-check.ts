/** Asks a status address again and again whether its service is well. */
import { troubleIn, type HealthConditions } from '../core/guard/health-condition.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import { askHttp, type HttpRequest } from './http-request.js';
import { repeat, type RepeatedOptions } from './repeated.js';

/** A status outside 2xx is a failure, whatever is asked of the answer. */
export interface HttpCheckOptions
  extends HealthConditions, RepeatedOptions, Pick<HttpRequest, 'url' | 'ca'> {}

/** A status says what is the matter; a page goes on. */
const MOST_BODY_BYTES = 64 * 1024;

export function watchHttp(options: HttpCheckOptions, hear: (sign: Sign) => void): Ear {
  return repeat(options, (interruption) => checkHttp(options, interruption), hear);
}

async function checkHttp(options: HttpCheckOptions, interruption: AbortSignal): Promise<Sign> {
  const { url, ca, timeoutMs } = options;
  const answer = await askHttp({
    method: 'GET',
    maxBodyBytes: MOST_BODY_BYTES,
    ...{ url, ca, timeoutMs, interruption },
  });
  if (answer.kind === 'interrupted') return failed('interrupted');
  if (answer.kind === 'failed') return failed(answer.reason);
  const trouble = troubleIn(answer.body, options);
  return trouble === undefined ? { kind: 'alive', by: 'http' } : failed(trouble);
}

function failed(reason: string): Sign {
  return { kind: 'failed', by: 'http', reason };
}
