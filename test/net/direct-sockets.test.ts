import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import { DirectSockets } from '../../src/net/direct-sockets.js';
import {
  givesDescriptorsBack,
  kernel,
  lacks,
  lacksDescriptorCount,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { until } from '../until.js';
import { stranger } from './served.js';

describe.skipIf(lacks('tcpInfo'))(
  "a socket past Node's streams (needs tcpInfo)",
  { timeout: TEST_MS },
  () => {
    it('reads what comes, and tells of an end', async () => {
      const { socket, heard, peer } = await opened();
      peer.write('hello');
      await until(() => heard.join('') === 'hello', SOON_MS);
      const end = once(socket, 'end', { signal: AbortSignal.timeout(SOON_MS) });
      peer.end('goodbye');
      await end;
      expect(heard.join('')).toBe('hellogoodbye');
    });

    it('gives the same room to each read: a chunk is to be read at once', async () => {
      const chunks: Uint8Array[] = [];
      const { peer } = await opened({ received: (chunk) => void chunks.push(chunk) });
      peer.write('one');
      await until(() => chunks.length === 1, SOON_MS);
      peer.write('two');
      await until(() => chunks.length === 2, SOON_MS);
      expect(chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(['two', 'two']);
    });

    it('reads nothing while it is paused', async () => {
      const { socket, heard, peer } = await opened();
      socket.pause();
      peer.write('hello');
      await turnsOf(peer);
      expect(heard).toEqual([]);
      socket.resume();
      await until(() => heard.join('') === 'hello', SOON_MS);
    });

    it('sends at once, and keeps nothing of it', async () => {
      const { direct, socket, said } = await opened();
      const bytes = Buffer.from('hello');
      expect(direct.send(socket, bytes, false)).toBeUndefined();
      bytes.fill('x');
      expect([socket.writableLength, socket.bytesWritten]).toEqual([0, 0]);
      await until(() => said() === 'hello', SOON_MS);
    });

    it('leaves to the caller, as a copy, what the kernel does not take', async () => {
      const { direct, socket, said } = await opened({
        sends: (fd, bytes) => kernel.sendNow(fd, bytes.subarray(0, 3)),
      });
      const bytes = Buffer.from('hello');
      const left = direct.send(socket, bytes, false);
      bytes.fill('x');
      expect(Buffer.from(left ?? []).toString()).toBe('lo');
      await until(() => said() === 'hel', SOON_MS);
    });

    it('sends nothing before what the socket has still to write', async () => {
      let sends = 0;
      const count = () => ++sends;
      const { direct, socket } = await opened({ sends: count });
      socket.cork();
      socket.write('first');
      expect(direct.send(socket, Buffer.from('second'), true)).toEqual(
        new Uint8Array(Buffer.from('second')),
      );
      expect(sends).toBe(0);
      socket.uncork();
      await until(() => socket.writableLength === 0, SOON_MS);
      direct.send(socket, Buffer.from('third'), true);
      expect(sends).toBe(1);
    });

    it('sends nothing once its descriptor is given back', async () => {
      const sentOn: number[] = [];
      const { direct, socket } = await opened({ sends: (fd) => sentOn.push(fd) });
      const fd = descriptorOf(socket);
      direct.send(socket, Buffer.of(1), false);
      socket.destroy();
      direct.send(socket, Buffer.of(1), false);
      await once(socket, 'close');
      direct.send(socket, Buffer.of(1), false);
      expect(sentOn).toEqual([fd]);
    });

    it('ends with the error that the kernel tells once', async () => {
      const refusal = new KernelRefusal('send', 104);
      const { direct, socket } = await opened({
        sends: () => {
          throw refusal;
        },
      });
      const error = once(socket, 'error');
      expect(direct.send(socket, Buffer.from('hello'), false)).toBeUndefined();
      expect(await error).toEqual([refusal]);
      expect(socket.destroyed).toBe(true);
    });

    it.skipIf(lacksDescriptorCount)('takes one descriptor, which it gives back', async () => {
      await givesDescriptorsBack(async () => {
        const { accepted, socket, peer } = await opened();
        expect(accepted.destroyed).toBe(true);
        const closed = [once(socket, 'close'), once(peer, 'close')];
        socket.destroy();
        await Promise.all(closed);
      });
    });
  },
);

describe('where no duplicate can be had', () => {
  it('the accepted socket is as it was', async () => {
    const { accepted } = await acceptedSocket();
    const open = new DirectSockets(portableKernel).open(accepted, () => undefined);
    expect([open, accepted.destroyed]).toEqual([undefined, false]);
  });
});

interface Wanted {
  readonly received?: (chunk: Uint8Array) => void;
  readonly sends?: Kernel['sendNow'];
}

/** Opened in the turn in which it was accepted, with somebody at the other end who reads. */
async function opened({ received, sends }: Wanted = {}) {
  const heard: string[] = [];
  const direct = new DirectSockets({
    duplicate: (fd) => kernel.duplicate(fd),
    sendNow: sends ?? ((fd, bytes) => kernel.sendNow(fd, bytes)),
  });
  const hear = (chunk: Uint8Array) => void heard.push(Buffer.from(chunk).toString());
  const {
    accepted,
    peer,
    made: socket,
  } = await acceptedSocket((one) => direct.open(one, received ?? hear));
  if (socket === undefined) throw new Error('it has a descriptor');
  onTestFinished(() => void socket.destroy());
  let text = '';
  peer.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { direct, accepted, socket, peer, heard, said: () => text };
}

async function acceptedSocket<T>(make: (accepted: Socket) => T = () => undefined as T) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { address, port } = server.address() as { readonly address: string; readonly port: number };
  const first = new Promise<{ readonly accepted: Socket; readonly made: T }>((resolve) => {
    server.once('connection', (accepted) => resolve({ accepted, made: make(accepted) }));
  });
  const peer = await stranger({ server: { address: { address, port } } });
  const { accepted, made } = await first;
  server.close();
  onTestFinished(() => void accepted.destroy());
  return { accepted, made, peer };
}

/** So that what was written has come to the other end's kernel, and would have been read there. */
async function turnsOf(writer: Socket): Promise<void> {
  await until(() => writer.writableLength === 0, SOON_MS);
  for (let turns = 0; turns < 20; turns++) await turn();
}
