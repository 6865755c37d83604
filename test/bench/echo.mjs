// Echo throughput for `serve.mjs`: small frames, a frame at a time on 1 and on 200 connections, and 100 at a
// time on one. A client sends again once all is answered: on 1 connection that is a measure of how fast two
// processes wake each other, which the kernel decides anew each time. So the server's own CPU time is told too.
import { Buffer } from 'node:buffer';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as passed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { usage } from './process-tree.mjs';

const PAYLOAD_BYTES = 64;
const ROUNDS = 7;
const RUN_MS = 700;
const WARM_UP_MS = 300;

const LOADS = [
  { title: '1 connection, a frame at a time', connections: 1, inFlight: 1 },
  { title: '200 connections, a frame at a time', connections: 200, inFlight: 1 },
  { title: '1 connection, 100 frames at a time', connections: 1, inFlight: 100 },
];

/** @param servers name → port and pid, all listening; ours first, the bare one second */
export async function measureEcho(servers) {
  const [ours, bare] = servers.keys();
  for (const { title, ...load } of LOADS) {
    const runs = new Map([...servers.keys()].map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, server] of servers) runs.get(name).push(await run(server, load));
    }
    const rate = (name) => median(runs.get(name).map((each) => each.rate));
    const cpuUs = (name) => median(runs.get(name).map((each) => each.cpuUs));
    const all = [...servers.keys()].map(
      (name) => `${name} ${(rate(name) / 1000).toFixed(1)}k at ${cpuUs(name).toFixed(2)}`,
    );
    console.log(
      `echo, ${title}: ${all.join(', ')} frames/s at µs of CPU each; ours ${(rate(ours) / rate(bare)).toFixed(2)} ` +
        `of the bare pipe (goal: 0.85), CPU ${(cpuUs(ours) / cpuUs(bare)).toFixed(2)}`,
    );
  }
}

/** Asked by a process of its own. */
async function run({ port, pid }, load) {
  const client = fork(fileURLToPath(import.meta.url));
  client.send({ port, ...load });
  await once(client, 'message'); // warm
  const before = usage(pid).cpuMs;
  const [{ frames, rate }] = await once(client, 'message');
  const cpuUs = ((usage(pid).cpuMs - before) / frames) * 1000;
  client.kill('SIGKILL');
  return { rate, cpuUs };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.once('message', drive);

async function drive({ port, connections, inFlight }) {
  const frame = Buffer.alloc(2 + PAYLOAD_BYTES);
  frame.writeUInt16BE(PAYLOAD_BYTES);
  const batch = Buffer.concat(Array.from({ length: inFlight }, () => frame));
  let bytes = 0;
  for (let count = 0; count < connections; count++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let owed = batch.length;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      owed -= chunk.length;
      if (owed > 0) return;
      owed = batch.length;
      socket.write(batch);
    });
    await once(socket, 'connect');
    socket.write(batch);
  }
  await passed(WARM_UP_MS);
  process.send({});
  const [from, begun] = [bytes, performance.now()];
  await passed(RUN_MS);
  const frames = (bytes - from) / frame.length;
  process.send({ frames, rate: frames / ((performance.now() - begun) / 1000) });
}
