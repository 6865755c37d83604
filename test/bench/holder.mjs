// Holds sockets for `ls.mjs`: node holder.mjs server|client ADDRESS COUNT. Writes a line when it is ready.
import { connect, createServer } from 'node:net';

const [role, host, countText] = process.argv.slice(2);
const count = Number(countText);
const PORT = 7000;
const AT_ONCE = 200;
const held = [];

if (role === 'server') {
  createServer((socket) => held.push(socket)).listen({ port: PORT, host, backlog: 4096 }, ready);
} else {
  let open = 0;
  const more = () => {
    while (held.length < count && held.length - open < AT_ONCE) {
      held.push(connect({ port: PORT, host }, opened));
    }
  };
  const opened = () => {
    open++;
    if (open === count) ready();
    else more();
  };
  more();
}

function ready() {
  console.log('ready');
}
