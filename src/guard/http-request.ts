/**
 * One HTTP request on a connection of its own, whose answer is bounded in time and in size, whatever the
 * server does. No redirect is followed: where it leads was allowed by nobody.
 */
import { request, type IncomingMessage } from 'node:http';
import { formatDuration } from '../core/duration.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** `http:` or `https:`. */
  readonly url: URL;
  /** Certificates (PEM) that are trusted instead of those that Node knows; undefined: those. */
  readonly ca?: string | undefined;
  /** For the name, the connection, and the answer with its body. */
  readonly timeoutMs: number;
  /** Undefined: the body is not read. */
  readonly maxBodyBytes: number | undefined;
  readonly interruption: AbortSignal;
}

export type HttpAnswer =
  /** With a status of 2xx. */
  | { readonly kind: 'answered'; readonly body: string }
  /** In words of ours: of the answer no more than its status. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'interrupted' };

const MOST_HEADER_BYTES = 16 * 1024;

/** Never rejects, and leaves nothing open. */
export async function askHttp(asked: HttpRequest): Promise<HttpAnswer> {
  const { url, method, ca, timeoutMs, interruption } = asked;
  const begin =
    url.protocol === 'https:' ? process.getBuiltinModule('node:https').request : request;
  if (interruption.aborted) return { kind: 'interrupted' };
  return new Promise((resolve) => {
    // More than once: the end of a request tells of itself again.
    const settle = (answer: HttpAnswer) => {
      clearTimeout(timer);
      interruption.removeEventListener('abort', interrupt);
      asking.destroy();
      resolve(answer);
    };
    const fail = (reason: string) => settle({ kind: 'failed', reason });
    const interrupt = () => settle({ kind: 'interrupted' });
    // What came while the loop was busy is read before anybody is blamed.
    const timer = setTimeout(
      () => setImmediate(() => fail(`no whole answer within ${formatDuration(timeoutMs)}`)),
      timeoutMs,
    );
    const options = { method, agent: false, maxHeaderSize: MOST_HEADER_BYTES };
    const asking = begin(url, ca === undefined ? options : { ...options, ca });
    interruption.addEventListener('abort', interrupt);
    asking.on('error', (error) => fail(reasonOf(error)));
    asking.on('close', () => fail(CLOSED));
    asking.on('response', (response) => {
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) fail(`it answered ${statusCode}`);
      else if (asked.maxBodyBytes === undefined) settle({ kind: 'answered', body: '' });
      else
        readBody(response, asked.maxBodyBytes, fail, (body) => settle({ kind: 'answered', body }));
    });
    asking.end();
  });
}

function readBody(
  response: IncomingMessage,
  most: number,
  fail: (reason: string) => void,
  done: (body: string) => void,
): void {
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on('data', (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > most) fail(`its answer has more than ${most} bytes`);
    else chunks.push(chunk);
  });
  response.on('error', (error) => fail(reasonOf(error)));
  response.on('end', () => done(new TextDecoder().decode(Buffer.concat(chunks))));
}

const CLOSED = 'it closed the connection without a whole answer';

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW')
    return `its headers have more than ${MOST_HEADER_BYTES} bytes`;
  if (code.startsWith('HPE_')) return `it does not speak HTTP (${code})`;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: CLOSED,
    ENOTFOUND: 'no such host',
  };
  return known[code] ?? (code === '' ? message : code);
}
