// `npm run bench:ls`: `tcpalive ls` beside `ss`, whole processes taken in turns, over 50,000 sockets that
// it makes itself in a network namespace of its own. Ratios; more is better.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inOwnNetwork } from './own-network.mjs';

const SOCKETS = 50_000;
const PAIRS = 2;
const RUNS = 9;
const BIN = 'dist/cli.cjs';
const HOLDER = fileURLToPath(new URL('holder.mjs', import.meta.url));
/** Its largest resident memory, told at its end. */
const TELL_MEMORY =
  'data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';

await inOwnNetwork(async () => {
  // Of some workplaces: every Node process reads these certificates first, for 30 ms, whatever it runs.
  delete process.env.NODE_EXTRA_CA_CERTS;
  const holders = await hold();
  try {
    measure();
  } finally {
    for (const holder of holders) holder.kill('SIGKILL');
  }
});

function measure() {
  const commands = {
    'ss -tnoiH': ['ss', '-tnoiH'],
    'ls --json --all --no-owners': [process.execPath, BIN, 'ls', '--json', '--all', '--no-owners'],
    'ss -tnoipH': ['ss', '-tnoipH'],
    'ls --json --all': [process.execPath, BIN, 'ls', '--json', '--all'],
  };
  const times = new Map(Object.keys(commands).map((name) => [name, []]));
  for (let run = 0; run < RUNS; run++) {
    for (const [name, command] of Object.entries(commands)) times.get(name).push(timeMs(command));
  }
  for (const [name, each] of times) console.log(`${name.padEnd(28)} ${median(each).toFixed(0)} ms`);
  const ratio = (slow, fast) => (median(times.get(slow)) / median(times.get(fast))).toFixed(2);
  console.log(
    `without owners ${ratio('ss -tnoiH', 'ls --json --all --no-owners')} times as fast (goal: over 1)`,
  );
  console.log(`with owners ${ratio('ss -tnoipH', 'ls --json --all')} times as fast (goal: 4)`);
  const [node, ...args] = commands['ls --json --all'];
  const { stderr } = spawnSync(node, ['--import', TELL_MEMORY, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  console.log(`memory ${(Number(stderr.trim()) / 1024).toFixed(0)} MB (goal: under 250)`);
}

/** Servers and clients, each a process with thousands of plain sockets. */
async function hold() {
  const each = SOCKETS / (2 * PAIRS);
  const holders = [];
  for (let pair = 1; pair <= PAIRS; pair++) {
    for (const role of ['server', 'client']) {
      const holder = spawn(process.execPath, [HOLDER, role, `127.0.0.${pair}`, String(each)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      holders.push(holder);
      await once(holder.stdout, 'data');
    }
  }
  return holders;
}

function timeMs([command, ...args]) {
  const start = process.hrtime.bigint();
  execFileSync(command, args, { stdio: 'ignore' });
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
