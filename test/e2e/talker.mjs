// A server that says something every so often and listens to nobody: node talker.mjs ADDRESS PORT MS
import { createServer } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';

const [address, port, everyMs] = process.argv.slice(2);

createServer((socket) => {
  const talking = setInterval(() => socket.write('news\n'), Number(everyMs));
  socket.on('error', () => undefined);
  socket.on('close', () => clearInterval(talking));
  socket.resume();
}).listen(Number(port), address);
