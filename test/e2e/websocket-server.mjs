// A WebSocket server as ws has it, which pings its clients: node websocket-server.mjs ADDRESS PORT [JUDGE-MS]
// With JUDGE-MS it pings that often instead, and ends whoever has not answered by the next time.
import { clearInterval, setInterval } from 'node:timers';
import { WebSocketServer } from 'ws';

const [host, port, judgeMs] = process.argv.slice(2);

const server = new WebSocketServer({ host, port: Number(port) });
server.on('connection', (socket) => {
  let isAlive = true;
  const timer = setInterval(
    () => {
      if (judgeMs !== undefined && !isAlive) {
        socket.terminate();
        return;
      }
      isAlive = false;
      socket.ping('are you there?');
    },
    Number(judgeMs ?? 100),
  );
  socket.on('pong', (payload) => {
    isAlive = true;
    console.log(`pong: ${payload}`);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => clearInterval(timer));
});
