// Clients that a server must be able to bear, each in its own way. Tells what happens, a line each.
//   node strangers.mjs mute ADDRESS PORT COUNT      connects, says nothing, and holds what it has
//   node strangers.mjs paced ADDRESS PORT COUNT     the same, two hundred a second
//   node strangers.mjs deaf ADDRESS PORT COUNT      sends more than is ever read, and reads nothing
//   node strangers.mjs reset ADDRESS PORT COUNT     connects and resets at once, a hundred at a time
//   node strangers.mjs healthy ADDRESS PORT         beats, and says how many of its beats were answered
//   node strangers.mjs watch ADDRESS PORT           what /healthz says, whenever it changes, on one connection
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setInterval, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';

const [role, address, port, count] = process.argv.slice(2);

const BEAT_EVERY_MS = 100;

const roles = {
  paced: () => roles.mute(5),
  async mute(pauseMs = 0) {
    const gone = { count: 0 };
    for (let at = 0; at < Number(count); at++) {
      const socket = opened();
      socket.on('close', () => {
        if (++gone.count === Number(count)) say('all gone');
      });
      socket.resume();
      await once(socket, 'connect').catch(() => undefined); // a reset may come first
      if (pauseMs > 0) await pause(pauseMs);
    }
    say('all connected');
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

function opened() {
  const socket = connect({ host: address, port: Number(port) });
  return socket.on('error', () => undefined); // whoever is refused is told so by it
}

function say(what) {
  process.stdout.write(`${what}\n`);
}
