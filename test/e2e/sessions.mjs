// Who talks to a server through its restarts: node sessions.mjs PORT LOOPS IDLE BUSY. Loops connect, say one
// frame and leave, again and again; idle sessions say one frame and stay until the server says goodbye; busy
// ones say one frame after the other, leave, and come again. Writes `ready` once all are there; when its
// standard input ends it makes no more, lets them end, and writes what it counted, as JSON.
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

const [port, loops, idle, busy] = process.argv.slice(2).map(Number);

const HELLO = Buffer.from([0, 2, 0x68, 0x69]);

/** A busy session's, and its pause between an answer and the next question. */
const FRAMES = 30;
const THINK_MS = 5;

/** Connections made, frames answered, sessions that a goodbye of the server's ended between two frames. */
const counts = { connects: 0, answered: 0, goodbyes: 0 };
/** What must not happen, by its name, and how often it did. */
const trouble = {};
const leaving = new Set();
let stopped = false;
let greeted = 0;

process.stdin.resume().on('end', () => {
  stopped = true;
  for (const leave of leaving) leave();
});

await Promise.all([
  ...each(loops, () => again(1)),
  ...each(idle, () => again(Infinity)),
  ...each(busy, () => again(FRAMES)),
]);
console.log(JSON.stringify({ ...counts, trouble }));

function each(count, start) {
  return Array.from({ length: count }, start);
}

async function again(frames) {
  let isFirst = true;
  const onAnswer = () => {
    if (isFirst && ++greeted === loops + idle + busy) console.log('ready');
    isFirst = false;
  };
  while (!stopped) await session(frames, onAnswer);
}

/** From its connect to its end; after so many frames it says goodbye itself. */
function session(frames, onAnswer) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let wanted = 0;
    let received = 0;
    let timer;
    const leave = () => {
      clearTimeout(timer);
      if (received === wanted) socket.end();
    };
    const ask = () => {
      if (socket.readableEnded || socket.writableEnded) return;
      wanted += HELLO.length;
      socket.write(HELLO);
    };
    socket.once('connect', () => {
      counts.connects++;
      leaving.add(leave);
      ask();
    });
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (received < wanted) return;
      counts.answered++;
      onAnswer();
      if (stopped || wanted === frames * HELLO.length) leave();
      // What has come meanwhile is read first.
      else if (frames !== Infinity) timer = setTimeout(() => setImmediate(ask), THINK_MS);
    });
    socket.on('end', () => {
      clearTimeout(timer);
      if (received < wanted) note('unanswered');
      else if (!socket.writableFinished) counts.goodbyes++;
    });
    socket.on('error', (error) => note(error.code));
    socket.on('close', () => {
      leaving.delete(leave);
      resolve();
    });
  });
}

function note(what) {
  trouble[what] = (trouble[what] ?? 0) + 1;
}
