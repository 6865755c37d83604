// Thousands of clients for `serve.mjs`, in one process that it forks. Each beats, if it is told to, and
// is counted when it is ended from outside.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';

const BEAT = Uint8Array.of(0, 0);
const AT_ONCE = 200;
/**
 * bind(2) looks for a port among half of the even ones first (inet_csk_find_open_port): once those 7,000 of an
 * address are taken, each look is at all of them, and connecting falls from thousands a second to a hundred.
 */
const PER_ADDRESS = 5000;
/** Beats go out in groups this far apart: their phases are spread over the interval. */
const GROUP_EVERY_MS = 50;

const held = [];
let ended = 0;

const orders = {
  /**
   * @param ports one at random for each: beats that go out together are spread over all processes of a server,
   *   as one behind a single port spreads them; all to one of them, they would cost one wake-up in place of six
   */
  open({ host, ports, network, count, beatMs }) {
    let open = 0;
    const more = () => {
      while (held.length < count && held.length - open < AT_ONCE) {
        const localAddress = `${network}.${1 + Math.floor(held.length / PER_ADDRESS)}`;
        const port = ports[Math.floor(Math.random() * ports.length)];
        const socket = connect({ port, host, localAddress, noDelay: true }, () => {
          open++;
          if (open === count) process.send({ opened: count });
          else more();
        });
        const client = { socket, vanished: false, lastBeatAt: 0 };
        socket.resume();
        socket.on('error', () => undefined);
        socket.on('close', () => {
          if (!client.vanished) ended++;
        });
        held.push(client);
      }
    };
    more();
    if (beatMs > 0) beat(beatMs);
  },

  /** That many, picked at random, hear nothing from now on and are not heard either. */
  async vanish({ count, kernelModule }) {
    const { openKernel } = await import(kernelModule);
    const kernel = await openKernel();
    const shuffled = held
      .filter(({ socket }) => !socket.destroyed)
      .map((client) => [Math.random(), client])
      .sort(([a], [b]) => a - b);
    const vanished = shuffled.slice(0, count).map(([, client]) => {
      client.vanished = true;
      kernel.cut(client.socket._handle.fd, 'socket-filter');
      const { localAddress, localPort } = client.socket;
      return { peer: `${localAddress}:${localPort}`, lastBeatAt: client.lastBeatAt };
    });
    process.send({ vanished });
  },

  count() {
    process.send({ ended });
  },
};

function beat(intervalMs) {
  const groups = Math.round(intervalMs / GROUP_EVERY_MS);
  const begun = performance.now();
  let turns = 0;
  // By the clock: on a busy machine the interval itself would become longer and longer.
  setInterval(() => {
    for (; turns * GROUP_EVERY_MS < performance.now() - begun; turns++) {
      for (let at = turns % groups; at < held.length; at += groups) beatOnce(held[at]);
    }
  }, GROUP_EVERY_MS);
}

function beatOnce(client) {
  const { socket, vanished } = client;
  if (vanished || socket.connecting || !socket.writable) return;
  socket.write(BEAT);
  client.lastBeatAt = Date.now();
}

process.on('message', ({ order, ...details }) => orders[order](details));
process.on('disconnect', () => process.exit());
