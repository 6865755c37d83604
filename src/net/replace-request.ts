/** Asks a running server, at its status address, to be replaced by its next version, and hears what comes of it. */
import { request, type IncomingMessage } from 'node:http';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { parseRestartEntry } from '../core/replacement.js';
import type { RestartEntry } from '../core/serve-log.js';
import { addMs } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { deadlines } from './deadlines.js';
import { SERVER_NAME } from './status-server.js';

export const REPLACE_PATH = '/replace';

export interface ReplaceRequestOptions {
  /** Ends the waiting, and not the restart. */
  readonly interruption: AbortSignal;
  readonly onEntry: (entry: RestartEntry) => void;
}

/** Of a server that does not hang: to begin, and once more beyond its own ready timeout. */
const ANSWER_MS = 5000;

/** Of a stranger; a server of ours says some hundred. */
const MOST_ANSWER_LENGTH = 16_384;

/**
 * Resolves when no more will be heard: why, for where the last entry is not the outcome.
 * @throws TcpaliveError UNREACHABLE, NO_ANSWER, WRONG_PROTOCOL or NO_CAPABILITY: nothing was begun
 */
export async function requestReplacement(
  at: Endpoint,
  { interruption, onEntry }: ReplaceRequestOptions,
): Promise<string> {
  const patience = new AbortController();
  const deadline = deadlines.enter({ deadlineCame: () => patience.abort() });
  const waitFor = (ms: number) => deadlines.move(deadline, addMs(monotonicNow(), ms));
  let hasBegun = false;
  try {
    waitFor(ANSWER_MS);
    const lines = linesOf(await asked(at, AbortSignal.any([interruption, patience.signal])));
    for await (const line of lines) {
      const entry = parseRestartEntry(line);
      if (entry === undefined) throw noServer(at, 'what it says is no event of serve');
      hasBegun = true;
      if (entry.event === 'restarting') waitFor(entry.readyTimeoutMs + ANSWER_MS);
      onEntry(entry);
    }
    return 'it ended the connection';
  } catch (error) {
    if (interruption.aborted) return 'interrupted';
    if (error instanceof TcpaliveError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const isLate = patience.signal.aborted;
    const reason = isLate ? 'it does not answer in time' : code || message;
    if (hasBegun) return reason;
    // llhttp's codes, of what is no HTTP; and RangeError is ours.
    if (code.startsWith('HPE_') || error instanceof RangeError) throw noServer(at, reason);
    throw new TcpaliveError(
      isLate ? 'NO_ANSWER' : 'UNREACHABLE',
      `cannot ask ${formatEndpoint(at)}: ${reason}`,
      { hint: HINT, cause: error },
    );
  } finally {
    deadlines.leave(deadline);
  }
}

/** The answer of a server of ours that takes the request, or says why it may not be. */
async function asked(at: Endpoint, signal: AbortSignal): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const { address: host, port } = at;
    const headers = { Tcpalive: '1' };
    request({ host, port, path: REPLACE_PATH, method: 'POST', headers, agent: false, signal })
      .on('response', resolve)
      .on('error', reject)
      .end();
  });
  const { statusCode = 0, headers } = response;
  const isOurs = headers['server'] === SERVER_NAME;
  if (isOurs && STATUSES.includes(statusCode)) return response;
  if (!isOurs || statusCode !== FORBIDDEN) {
    response.destroy();
    throw noServer(at, `HTTP ${statusCode}${isOurs ? ', of an older version or no serve' : ''}`);
  }
  const { value: why } = await linesOf(response).next();
  response.destroy();
  throw new TcpaliveError('NO_CAPABILITY', `${formatEndpoint(at)} refuses: ${why ?? 'no reason'}`, {
    hint: 'kill -USR2 asks the same, of whom you may send signals to',
  });
}

/** Under way, or another one is. */
const STATUSES = [202, 409];

const FORBIDDEN = 403;

/** Whole ones. @throws RangeError beyond what anybody of ours says */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, undefined> {
  let length = 0;
  let rest = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    length += chunk.length;
    if (length > MOST_ANSWER_LENGTH) throw new RangeError('it says more than any server of ours');
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function noServer(at: Endpoint, reason: string): TcpaliveError {
  const message = `${formatEndpoint(at)} is the status of no server that can be replaced: ${reason}`;
  return new TcpaliveError('WRONG_PROTOCOL', message, { hint: HINT });
}

const HINT = 'name what a running tcpalive serve was given as --status';
