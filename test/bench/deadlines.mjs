// `npm run bench:deadlines`: the wheel beside a binary heap and beside a setTimeout each. Every connection
// is heard every 10 s and given up after 30: almost all that happens is that a deadline moves back. CPU
// time, in virtual time.
import { clearTimeout, setTimeout } from 'node:timers';
import { setImmediate as turn } from 'node:timers/promises';
import { bundle } from './bundle.mjs';

const CONNECTIONS = 50_000;
const BEATS = 20;
const INTERVAL_MS = 10_000;
const TIMEOUT_MS = 30_000;

const { gc } = globalThis;
const { DeadlineWheel } = await import(await bundle('core/deadline-wheel'));

const contenders = { wheel, heap, 'setTimeout each': timers };
for (const contender of Object.values(contenders)) contender().held.release(); // warm
for (const [name, contender] of Object.entries(contenders)) {
  await turn(); // else the last one's are still on the stack
  measure(name, contender);
}

function measure(name, contender) {
  gc();
  const before = process.memoryUsage().heapUsed;
  const { armNs, moveNs, expireNs, held } = contender();
  gc();
  const bytes = (process.memoryUsage().heapUsed - before) / CONNECTIONS;
  const figures = { arm: armNs, move: moveNs, expire: expireNs };
  const text = Object.entries(figures).map(
    ([what, ns]) => `${what} ${ns.toFixed(0).padStart(4)} ns`,
  );
  console.log(`${name.padEnd(16)} ${text.join(', ')}, ${bytes.toFixed(0)} B each`);
  held.release();
}

/** In virtual time: all are armed, beat that many times, then fall silent and expire. */
function play({ arm, move, advance }) {
  const start = 1_000_000;
  const phase = (at) => (at * INTERVAL_MS) / CONNECTIONS;
  const armNs = timed(CONNECTIONS, () => {
    for (let at = 0; at < CONNECTIONS; at++) arm(at, start + phase(at) + TIMEOUT_MS);
  });
  let last = start;
  const moveNs = timed(CONNECTIONS * BEATS, () => {
    for (let beat = 1; beat <= BEATS; beat++) {
      for (let at = 0; at < CONNECTIONS; at++) {
        last = start + beat * INTERVAL_MS + phase(at);
        if (at % 50 === 0) advance(last); // every 10 ms
        move(at, last + TIMEOUT_MS);
      }
    }
  });
  const expireNs = timed(CONNECTIONS, () => {
    for (let now = last; now <= last + TIMEOUT_MS + 2; now += 1) advance(now);
  });
  return { armNs, moveNs, expireNs };
}

function timed(operations, work) {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return ((user + system) * 1000) / operations;
}

function wheel() {
  const all = new DeadlineWheel(1_000_000);
  const deadlines = Array.from({ length: CONNECTIONS }, (_, at) => all.enter(at));
  let expired = 0;
  const figures = play({
    arm: (at, due) => all.move(deadlines[at], due),
    move: (at, due) => all.move(deadlines[at], due),
    advance: (now) => all.expire(now, Infinity, () => expired++),
  });
  checkAll(expired);
  return { ...figures, held: { deadlines, all, release: () => undefined } };
}

/** An indexed one: a deadline that moves is sifted down from where it is. */
function heap() {
  const entries = [];
  const positions = new Int32Array(CONNECTIONS);
  const put = (entry, at) => {
    entries[at] = entry;
    positions[entry.owner] = at;
  };
  const up = (entry, from) => {
    let at = from;
    for (
      let parent = (at - 1) >> 1;
      at > 0 && entries[parent].due > entry.due;
      parent = (at - 1) >> 1
    ) {
      put(entries[parent], at);
      at = parent;
    }
    put(entry, at);
  };
  const down = (entry, from) => {
    let at = from;
    for (let child = 2 * at + 1; child < entries.length; child = 2 * at + 1) {
      if (child + 1 < entries.length && entries[child + 1].due < entries[child].due) child++;
      if (entries[child].due >= entry.due) break;
      put(entries[child], at);
      at = child;
    }
    put(entry, at);
  };
  let expired = 0;
  const figures = play({
    arm(owner, due) {
      up({ owner, due }, entries.length);
    },
    move(owner, due) {
      const entry = entries[positions[owner]];
      entry.due = due;
      down(entry, positions[owner]);
    },
    advance(now) {
      while (entries.length > 0 && entries[0].due <= now) {
        expired++;
        const last = entries.pop();
        if (entries.length > 0) down(last, 0);
      }
    },
  });
  checkAll(expired);
  return { ...figures, held: { entries, positions, release: () => undefined } };
}

/** Node's own lists of timers, as `socket.setTimeout` uses them: in real time, so none expires here. */
function timers() {
  const all = new Array(CONNECTIONS);
  const armNs = timed(CONNECTIONS, () => {
    for (let at = 0; at < CONNECTIONS; at++) {
      all[at] = setTimeout(() => undefined, TIMEOUT_MS + (at % 10_000));
    }
  });
  const moveNs = timed(CONNECTIONS, () => {
    for (let at = 0; at < CONNECTIONS; at++) {
      all[at].refresh();
    }
  });
  const release = () => all.forEach((timer) => clearTimeout(timer));
  return { armNs, moveNs, expireNs: Number.NaN, held: { all, release } };
}

function checkAll(expired) {
  if (expired !== CONNECTIONS) throw new Error(`${expired} of ${CONNECTIONS} expired`);
}
