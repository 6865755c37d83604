// Plain TCP ends without any option: listens or connects, and holds whatever it has. Tells on standard
// output what happens, a line each; `write` on standard input sends a byte on each connection.
//   node crowd.mjs listen PORT                      each that it accepts is greeted with a byte
//   node crowd.mjs connect ADDRESS PORT COUNT FROM  connects from that address, one after the other
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [role, ...args] = process.argv.slice(2);
const held = new Set();
let greeted = 0;

// Whatever a process calls itself is what `ls` must show.
if (process.env.CROWD_NAME !== undefined) writeFileSync('/proc/self/comm', process.env.CROWD_NAME);

if (role === 'listen') {
  const server = createServer((socket) => {
    hold(socket);
    socket.write('!');
    say(`accepted, ${held.size} held`);
  });
  server.on('error', ({ code }) => say(`error ${code}`));
  server.listen({ port: Number(args[0]), backlog: 511 }, () => say('listening'));
} else {
  const [address, port, count, from] = args;
  for (let at = 0; at < Number(count); at++) {
    const socket = connect({ host: address, port: Number(port), localAddress: from });
    hold(socket);
    socket.once('data', () => say(`greeted ${++greeted}`));
    await once(socket, 'connect').catch(() => undefined); // hold() has told
    say(`connected from ${socket.localAddress}:${socket.localPort}`);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'write') for (const socket of held) socket.write('.');
});

function hold(socket) {
  held.add(socket);
  socket.on('error', ({ code }) => say(`ended by ${code}`));
  socket.on('close', () => {
    held.delete(socket);
    say(`closed, ${held.size} held`);
  });
  socket.resume();
}

function say(what) {
  process.stdout.write(`${what}\n`);
}
