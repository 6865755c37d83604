// A WebSocket server as ws has it, which pings its clients: node websocket-server.mjs ADDRESS PORT
import { clearInterval, setInterval } from 'node:timers';
import { WebSocketServer } from 'ws';

const [host, port] = process.argv.slice(2);

const server = new WebSocketServer({ host, port: Number(port) });
server.on('connection', (socket) => {
  const timer = setInterval(() => socket.ping('are you there?'), 100);
  socket.on('pong', (payload) => console.log(`pong: ${payload}`));
  socket.on('close', () => clearInterval(timer));
});
