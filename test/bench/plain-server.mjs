// The peer of `serve.mjs`: what one writes in Node without much thought. node plain-server.mjs MODE PORT [PROCESSES]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [mode, portText, processes = '1'] = process.argv.slice(2);

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
/** The others have the ports behind this one's, and end with it. */
const others = Array.from({ length: Number(processes) - 1 }, (_, at) => {
  const child = fork(process.argv[1], [mode, String(Number(portText) + at + 1)]);
  return once(child, 'message');
});
process.on('disconnect', () => process.exit());
createServer({ noDelay: true }, servers[kind](Number(argument))).listen(
  { port: Number(portText), host: '0.0.0.0', backlog: 4096 },
  async () => {
    await Promise.all(others);
    if (process.send === undefined) console.log(JSON.stringify({ event: 'listening' }));
    else process.send('listening');
  },
);
