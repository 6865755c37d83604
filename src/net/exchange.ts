/**
 * Questions and answers on a socket that nobody drives yet: the opening of a conversation, or a beat on
 * a connection of its own. What came behind the last answer is put back for the socket's next owner.
 */
import type { Socket } from 'node:net';
import { formatEndpoint } from '../core/endpoint.js';
import type { OpeningStep } from '../core/protocol.js';
import { UnitReader } from '../core/reply-units.js';
import { hear, secretsOf, strangeWords, type Speech } from '../core/speech.js';
import { fill } from '../core/template.js';
import { TcpaliveError } from '../errors.js';

export interface ExchangeOptions {
  /** From now, for all of it. */
  readonly deadlineMs: number;
  readonly interruption?: AbortSignal | undefined;
}

export type Exchanged =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'interrupted' }
  /** In words, without their bytes. */
  | { readonly kind: 'strange'; readonly detail: string }
  /** By `FIN` or an errno. */
  | { readonly kind: 'closed'; readonly by: string };

/**
 * Plays the opening of a protocol. The socket is not read afterwards, nobody listens to it, and it is
 * this turn's caller's; unless it failed: then it is destroyed.
 * @throws TcpaliveError WRONG_PROTOCOL, NO_ANSWER when it is refused, too slow, or closed instead;
 *   UNREACHABLE when it was interrupted
 */
export async function playOpening(
  socket: Socket,
  speech: Speech,
  options: ExchangeOptions,
): Promise<void> {
  if (speech.opening.length === 0) return;
  const { remoteAddress: address = '', remotePort: port = 0 } = socket;
  const exchanged = await exchange(socket, speech, speech.opening, options);
  // A goodbye right behind the last answer has been emitted by now, and its next owner would miss it.
  const isGone = socket.readableEnded || socket.destroyed;
  if (exchanged.kind === 'done' && !isGone) return;
  socket.destroy();
  const failure = exchanged.kind === 'done' ? ({ kind: 'closed', by: 'FIN' } as const) : exchanged;
  throw failureOf(failure, formatEndpoint({ address, port }), speech, options);
}

/** Leaves the socket open, whatever came of it, and listened to by nobody but for its errors. */
export function exchange(
  socket: Socket,
  speech: Speech,
  steps: readonly OpeningStep[],
  { deadlineMs, interruption }: ExchangeOptions,
): Promise<Exchanged> {
  const reader = new UnitReader();
  let at = -1;
  let isSettled = false;
  let asked: Uint8Array = new Uint8Array(0);

  return new Promise((resolve) => {
    const settle = (exchanged: Exchanged) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      interruption?.removeEventListener('abort', onInterrupt);
      socket.off('readable', onReadable).off('end', onEnd).off('error', onError);
      if (exchanged.kind !== 'done')
        socket.on('error', () => undefined); // it has failed already
      else if (reader.held.length > 0) socket.unshift(reader.held);
      resolve(exchanged);
    };
    const onInterrupt = () => settle({ kind: 'interrupted' });
    const onEnd = () => settle({ kind: 'closed', by: 'FIN' });
    const onError = (error: Error) => settle({ kind: 'closed', by: causeOf(error) });
    const onReadable = () => {
      for (let chunk = read(socket); chunk !== null; chunk = read(socket)) reader.push(chunk);
      const exchanged = takeUnits();
      if (exchanged !== undefined) settle(exchanged);
    };
    // What came while the loop was busy is read before anybody is blamed.
    const timer = setTimeout(() => setImmediate(() => settle({ kind: 'silent' })), deadlineMs);

    if (interruption?.aborted === true) {
      onInterrupt();
      return;
    }
    if (socket.destroyed) {
      settle({ kind: 'closed', by: causeOf(socket.errored) });
      return;
    }
    interruption?.addEventListener('abort', onInterrupt);
    socket.on('readable', onReadable).on('end', onEnd).on('error', onError);
    if (next() === undefined) settle({ kind: 'done' });
  });

  function takeUnits(): Exchanged | undefined {
    for (let step = steps[at]; step !== undefined;) {
      const { held } = reader;
      const unit = reader.next(step.units);
      if (unit === undefined) return undefined;
      if (unit === 'none') return { kind: 'strange', detail: strangeWords(held, asked) };
      const heard = hear(speech, unit, step.expect, step.refused);
      if (heard.kind === 'strange') return { kind: 'strange', detail: strangeWords(unit, asked) };
      if (heard.kind === 'refused') return { kind: 'refused' };
      if (heard.kind === 'expected') step = next();
      else if (heard.answer !== undefined) socket.write(heard.answer);
    }
    return { kind: 'done' };
  }

  /** Says what comes next, if there is something to say. */
  function next(): OpeningStep | undefined {
    const step = steps[++at];
    if (step?.send !== undefined) socket.write((asked = fill(step.send, speech.filling)));
    return step;
  }
}

function read(socket: Socket): Uint8Array | null {
  return socket.read() as Uint8Array | null;
}

/** Null: it ended without one. */
function causeOf(error: Error | null): string {
  if (error === null) return 'FIN';
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}

function failureOf(
  exchanged: Exclude<Exchanged, { kind: 'done' }>,
  remote: string,
  { protocol }: Speech,
  { deadlineMs }: ExchangeOptions,
): TcpaliveError {
  const { name } = protocol;
  switch (exchanged.kind) {
    case 'strange':
      return wrongProtocol(remote, exchanged.detail, name);
    case 'refused':
      return new TcpaliveError('NO_ANSWER', `${remote} refuses to speak ${name}`, {
        hint: secretsOf(protocol).includes('TCPALIVE_PASSWORD')
          ? 'it is alive; TCPALIVE_USER and TCPALIVE_PASSWORD, or --secret-file, say who asks'
          : `it is alive; ${otherProtocol(name)}`,
      });
    case 'silent':
      return new TcpaliveError(
        'NO_ANSWER',
        `${remote} does not open a conversation in ${name} within ${deadlineMs / 1000}s`,
        { hint: otherProtocol(name) },
      );
    case 'closed':
      return new TcpaliveError(
        'NO_ANSWER',
        `${remote} closed the connection (${exchanged.by}) instead of opening a conversation in ${name}`,
        { hint: otherProtocol(name) },
      );
    case 'interrupted':
      return new TcpaliveError('UNREACHABLE', `cannot speak with ${remote}: interrupted`);
  }
}

/** @param detail what it looks like */
export function wrongProtocol(remote: string, detail: string, name: string): TcpaliveError {
  return new TcpaliveError('WRONG_PROTOCOL', `${remote} ${detail}`, {
    hint: otherProtocol(name),
  });
}

function otherProtocol(name: string): string {
  return `it was asked in ${name}; does it speak that? --protocol takes another`;
}
