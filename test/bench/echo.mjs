// Echo throughput for `serve.mjs`: small frames, a frame at a time on 1 and on 200 connections, and many
// in flight on one.
import { Buffer } from 'node:buffer';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as passed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PAYLOAD_BYTES = 64;
const ROUNDS = 3;
const RUN_MS = 2000;
const WARM_UP_MS = 500;

const LOADS = [
  { title: '1 connection, a frame at a time', connections: 1, inFlight: 1 },
  { title: '200 connections, a frame at a time', connections: 200, inFlight: 1 },
  { title: '1 connection, 100 frames in flight', connections: 1, inFlight: 100 },
];

/** @param servers name → port, all listening; ours first, the bare one second */
export async function measureEcho(servers) {
  const [ours, bare] = servers.keys();
  for (const { title, ...load } of LOADS) {
    const rates = new Map([...servers.keys()].map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, port] of servers) rates.get(name).push(await framesPerSecond(port, load));
    }
    const rate = (name) => median(rates.get(name));
    const all = [...servers.keys()].map((name) => `${name} ${(rate(name) / 1000).toFixed(1)}k`);
    console.log(
      `echo, ${title}: ${all.join(', ')} frames/s; ours ${(rate(ours) / rate(bare)).toFixed(2)} of the bare pipe (goal: 0.85)`,
    );
  }
}

/** Asked by a process of its own. */
async function framesPerSecond(port, load) {
  const client = fork(fileURLToPath(import.meta.url));
  client.send({ port, ...load });
  const [rate] = await once(client, 'message');
  client.kill('SIGKILL');
  return rate;
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
  const [from, begun] = [bytes, performance.now()];
  await passed(RUN_MS);
  process.send((bytes - from) / frame.length / ((performance.now() - begun) / 1000));
}
