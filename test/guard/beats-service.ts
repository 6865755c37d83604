import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { formatGreeting } from '../../src/core/guard/beat-words.js';
import type { Sign } from '../../src/core/guard/sign.js';
import { startBeatsListener, type BeatsListener } from '../../src/guard/beats-listener.js';
import { tmpdir } from 'node:os';

export interface Heard {
  readonly signs: readonly Sign[];
  readonly variables: Readonly<Record<string, string>>;
  readonly close: () => void;
}

/** Gone, with whoever beats to it, when the test is over. */
export async function beatsListener(folder = tmpdir()): Promise<BeatsListener> {
  const listener = await startBeatsListener({ folder });
  onTestFinished(() => listener.close());
  return listener;
}

/** One run of a service. */
export function expected(listener: BeatsListener): Heard {
  const signs: Sign[] = [];
  const ear = listener.expect((sign) => signs.push(sign));
  return { signs, variables: ear.variables, close: () => ear.close() };
}

/** Whoever says nothing yet, gone when the test is over. */
export async function stranger({ path }: BeatsListener): Promise<Socket> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined); // the guardian may let it go
  await once(socket, 'connect');
  return socket;
}

/** As whoever has them in its environment would say it. */
export function greeting({ variables }: Heard, timeoutMs = 3000): Uint8Array {
  return framed(formatGreeting({ token: variables['TCPALIVE_GUARD_TOKEN'] ?? '', timeoutMs }));
}

export function framed(payload: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

/** All that came of it. */
export function echoes(socket: Socket): () => Buffer {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
}
