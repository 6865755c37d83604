// `npm run bench:restart`: restarts under load that nobody may notice, in a network namespace of its own,
// with one process and with workers. Counts, not times: nobody refused or reset, no frame unanswered.
// npm run bench:restart -- RESTARTS WORKERS,WORKERS
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inOwnNetwork } from './own-network.mjs';

const BIN = 'dist/cli.cjs';
const SESSIONS = fileURLToPath(new URL('../e2e/sessions.mjs', import.meta.url));
const PORT = 7000;
const LOOPS = 64;
const IDLE = 1000;
const BUSY = 100;
const [restarts = 20, workers = '1,4'] = process.argv.slice(2);
const DRAIN_MS = 4000;
/** Some of the idle sessions are told goodbye between two restarts. */
const BETWEEN_MS = 1000;

await inOwnNetwork(async () => {
  for (const count of workers.split(',').map(Number)) await measure(count);
});

async function measure(count) {
  const args = ['serve', '--port', PORT, '--json', '--quiet', '--max-connections', 4 * IDLE];
  const own = count === 1 ? [] : ['--workers', count];
  const drain = ['--drain-timeout', `${DRAIN_MS}ms`, '--ready-timeout', '1m'];
  const server = spawn(process.execPath, [BIN, ...args, ...own, ...drain].map(String), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told = [];
  const waiting = new Set();
  createInterface({ input: server.stdout }).on('line', (line) => {
    told.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const all = (event) => told.filter((each) => each.event === event);
  const until = (condition) =>
    new Promise((resolve) => {
      const look = () => condition() && waiting.delete(look) | resolve();
      waiting.add(look);
      look();
    });
  await until(() => all('listening').length === 1);
  const sessions = spawn(process.execPath, [SESSIONS, PORT, LOOPS, IDLE, BUSY].map(String), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = createInterface({ input: sessions.stdout })[Symbol.asyncIterator]();
  await said.next();

  const start = process.hrtime.bigint();
  const pids = [server.pid];
  const tookMs = [];
  for (let restart = 1; restart <= Number(restarts); restart++) {
    process.kill(pids.at(-1), 'SIGUSR2');
    const asked = process.hrtime.bigint();
    await until(() => all('restarted').length === restart || all('restart-failed').length > 0);
    if (all('restart-failed').length > 0) throw new Error(JSON.stringify(all('restart-failed')));
    tookMs.push(Number(process.hrtime.bigint() - asked) / 1e6);
    pids.push(all('restarted').at(-1).successor);
    await pause(BETWEEN_MS);
  }
  await until(() => all('summary').length === Number(restarts));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  sessions.stdin.end();
  const { connects, answered, goodbyes, trouble } = JSON.parse((await said.next()).value);
  const last = once(server.stdout, 'close');
  process.kill(pids.at(-1), 'SIGTERM');
  await last;
  const refused = all('summary').reduce((sum, each) => sum + each.refused, 0);
  const open = all('summary').reduce((sum, each) => sum + each.open, 0);
  for (let look = 0; look < 100 && pids.some(lives); look++) await pause(50);
  const left = pids.filter(lives).length;
  console.log(
    `${count === 1 ? 'one process' : `${count} workers`}: ${restarts} restarts in ${seconds.toFixed(0)} s, ` +
      `each ready after ${median(tookMs).toFixed(0)} ms (median); ` +
      `${connects} connects (goal: 10,000), ${answered} frames answered, ${goodbyes} goodbyes; ` +
      `refused ${refused}, cut off at the end ${open}, trouble ${JSON.stringify(trouble)}, ${left} processes left (goal: none)`,
  );
  const isGood = Object.keys(trouble).length === 0 && refused + open + left === 0;
  if (!isGood || connects < 10_000) process.exitCode = 1;
}

/** One that has ended and that nobody has asked for yet does not. */
function lives(pid) {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
