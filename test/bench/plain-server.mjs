// The peer of `serve.mjs`: what one writes in Node without much thought. node plain-server.mjs MODE PORT
import { createServer } from 'node:net';

const [mode, portText] = process.argv.slice(2);

const servers = {
  /** Echoes, and closes who is silent for that long: one `setTimeout` a connection, inside Node. */
  timeout: (timeoutMs) => (socket) => {
    const { remoteAddress, remotePort } = socket;
    socket.setTimeout(timeoutMs);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('error', () => undefined);
    socket.on('timeout', () => {
      const peer = `${remoteAddress}:${remotePort}`;
      console.log(JSON.stringify({ event: 'noticed', time: new Date().toISOString(), peer }));
      socket.resetAndDestroy();
    });
  },
  pipe: () => (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  },
};

const [kind, argument] = mode.split('=');
createServer({ noDelay: true }, servers[kind](Number(argument))).listen(
  { port: Number(portText), host: '0.0.0.0', backlog: 4096 },
  () => console.log(JSON.stringify({ event: 'listening' })),
);
