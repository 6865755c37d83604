import type { Socket } from 'node:net';
import { bytesOf } from '../../src/core/byte-text.js';
import { rawServer, type RawServer } from './raw-server.js';

/** What a server says: its greeting, and what it answers to what it was asked, in that order. */
export interface Script {
  readonly greeting?: string;
  readonly answers?: readonly (readonly [asked: string, answer: string])[];
}

/**
 * Answers what is asked, from the first answer that fits: `*` is anything. Says the rest of it in pieces
 * of a byte, as a network may.
 */
export function scriptedServer({ greeting, answers = [] }: Script): Promise<RawServer> {
  return rawServer((socket) => {
    socket.setNoDelay(true);
    if (greeting !== undefined) say(socket, greeting);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      for (;;) {
        const found = answers.find(([asked]) => asked === '*' || heard.startsWith(latin1(asked)));
        if (found === undefined || heard === '') return;
        const [asked, answer] = found;
        heard = asked === '*' ? '' : heard.slice(latin1(asked).length);
        say(socket, answer);
      }
    });
  });
}

function say(socket: Socket, text: string): void {
  const bytes = bytesOf(text);
  socket.write(bytes.subarray(0, 1));
  socket.write(bytes.subarray(1));
}

function latin1(text: string): string {
  return Buffer.from(bytesOf(text)).toString('latin1');
}
