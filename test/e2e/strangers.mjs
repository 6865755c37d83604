// Clients that a server must be able to bear, each in its own way. Tells what happens, a line each.
//   node strangers.mjs mute ADDRESS PORT COUNT      connects, says nothing, and holds what it has
//   node strangers.mjs paced ADDRESS PORT COUNT     the same, two hundred a second
//   node strangers.mjs deaf ADDRESS PORT COUNT      sends more than is ever read, and reads nothing
//   node strangers.mjs reset ADDRESS PORT COUNT     connects and resets at once, a hundred at a time
//   node strangers.mjs slow ADDRESS PORT COUNT      sends half of a header, and nothing more
//   node strangers.mjs bytewise ADDRESS PORT COUNT  sends a frame of 65,535 bytes, each in a segment of its own
//   node strangers.mjs glued ADDRESS PORT COUNT     sends ten thousand frames in one piece
//   node strangers.mjs flood ADDRESS PORT           the same, again and again, and reads what comes back
//   node strangers.mjs lengths ADDRESS PORT COUNT   announces 1,000 bytes and sends them; 1,001; 65,535
//   node strangers.mjs live ADDRESS PORT COUNT      beat four times a second, and are told of when they are lost
//   node strangers.mjs healthy ADDRESS PORT         beats, and says how many of its beats were answered
//   node strangers.mjs watch ADDRESS PORT           what /healthz says, whenever it changes, on one connection
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setInterval, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';

const [role, address, port, count] = process.argv.slice(2);

const BEAT_EVERY_MS = 100;
const MANY = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0, 1, 0x61])));

const roles = {
  paced: () => roles.mute(Buffer.alloc(0), 5),
  slow: () => roles.mute(Buffer.alloc(1)),
  async mute(first = Buffer.alloc(0), everyMs = 0) {
    const gone = { count: 0 };
    const begun = performance.now();
    for (let at = 0; at < Number(count); at++) {
      const early = begun + at * everyMs - performance.now();
      if (early > 0) await pause(early);
      const socket = opened();
      socket.on('close', () => {
        if (++gone.count === Number(count)) say('all gone');
      });
      socket.resume();
      await once(socket, 'connect').catch(() => undefined); // a reset may come first
      if (first.length > 0) socket.write(first);
    }
    say('all connected');
  },
  async bytewise() {
    const frame = Buffer.alloc(65_537, 0xff);
    for (let at = 0; at < Number(count); at++) {
      const socket = opened().setNoDelay();
      for (let byte = 0; byte < frame.length; byte++) {
        const write = (done) => socket.write(frame.subarray(byte, byte + 1), done);
        await new Promise((written) => write(written));
      }
      await echoed(socket, frame.length);
    }
    say('all gone');
  },
  async flood() {
    const socket = opened().resume();
    await once(socket, 'connect');
    say('begun');
    for (;;) if (!socket.write(MANY)) await once(socket, 'drain');
  },
  async glued() {
    for (let at = 0; at < Number(count); at++) {
      const socket = opened();
      socket.write(MANY);
      await echoed(socket, MANY.length);
    }
    say('all gone');
  },
  async lengths() {
    const largest = Buffer.alloc(1002);
    largest.writeUInt16BE(1000);
    for (let at = 0; at < Number(count); at++) {
      const fits = opened();
      fits.write(largest);
      await echoed(fits, largest.length);
      for (const announced of [
        [0x03, 0xe9],
        [0xff, 0xff],
      ]) {
        const socket = opened().resume();
        socket.write(Buffer.from(announced));
        await closed(socket);
      }
    }
    say('all gone');
  },
  live() {
    for (let at = 0; at < Number(count); at++) {
      const socket = opened().resume();
      socket.on('connect', () => setInterval(() => socket.write(Buffer.from([0, 0])), 250));
      socket.on('close', () => say('lost'));
    }
    say('all begun');
  },
  async deaf() {
    const frame = Buffer.alloc(16_386);
    frame.writeUInt16BE(16_384);
    const much = Buffer.concat(Array.from({ length: 24 }, () => frame));
    const gone = { count: 0 };
    for (let at = 0; at < Number(count); at++) {
      const socket = opened();
      socket.on('close', () => {
        if (++gone.count === Number(count)) say('all gone');
      });
      socket.pause();
      await once(socket, 'connect').catch(() => undefined);
      socket.write(much);
    }
    say('all connected');
  },
  async reset() {
    const until = Number(count);
    for (let at = 0; at < until; at += 100) {
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const socket = opened();
          await once(socket, 'connect').catch(() => undefined);
          socket.resetAndDestroy();
        }),
      );
    }
    say('all gone');
  },
  healthy() {
    const socket = opened();
    let answered = 0;
    socket.on('data', (chunk) => say(`answered ${(answered += chunk.length / 2)}`));
    socket.on('close', () => say('lost'));
    const beat = () => socket.write(Buffer.from([0, 0]));
    socket.on('connect', () => {
      beat();
      setInterval(beat, BEAT_EVERY_MS);
    });
  },
  watch() {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let last;
    const ask = () =>
      get({ host: address, port, path: '/healthz', agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => {
          const said = `${response.statusCode} ${text.trim()}`;
          if (said !== last) say(said);
          last = said;
          setTimeout(ask, BEAT_EVERY_MS);
        });
      }).on('error', ({ code }) => {
        say(`error ${code}`);
        setTimeout(ask, BEAT_EVERY_MS);
      });
    ask();
  },
};

await roles[role]();

/** As much as it has sent; then it is closed. */
async function echoed(socket, bytes) {
  socket.resume();
  while (socket.bytesRead < bytes) await pause(1);
  socket.end();
  await closed(socket);
}

/** Also by a reset, which `once` rejects with. */
function closed(socket) {
  return new Promise((resolve) => socket.once('close', resolve));
}

function opened() {
  const socket = connect({ host: address, port: Number(port) });
  return socket.on('error', () => undefined); // whoever is refused is told so by it
}

function say(what) {
  process.stdout.write(`${what}\n`);
}
