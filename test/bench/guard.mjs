// `npm run bench:guard`: what a guardian costs that looks after ten services, and whether it restarts healthy
// ones while every core is busy. Exits with 1 where a figure is above its limit.
// npm run bench:guard -- QUIET_SECONDS BUSY_SECONDS
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { childrenOf, cpuMs } from './process-tree.mjs';

const [quietSeconds = 60, busySeconds = 600] = process.argv.slice(2).map(Number);
const SERVICES = 10;
const MOST_CPU_PERCENT = 1;
const MOST_MIB = 80;

const beating = fileURLToPath(new URL('../e2e/beating.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tcpalive-bench-'));
const config = join(folder, 'guard.yaml');
const services = Array.from({ length: SERVICES }, (_, at) => {
  const how = at % 2 === 0 ? 'beats' : 'systemd';
  return { name: `s${at}`, command: ['python3', beating, how, '1'], aliveBy: [how], timeout: '5s' };
});
writeFileSync(config, JSON.stringify({ services }));

const guardian = spawn(process.execPath, ['dist/cli.cjs', 'guard', '--config', config, '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const told = [];
const alive = new Promise((resolve) => {
  createInterface({ input: guardian.stdout }).on('line', (line) => {
    const entry = JSON.parse(line);
    told.push(entry);
    if (told.filter(({ event }) => event === 'alive').length === SERVICES) resolve();
  });
});
await alive;
await pause(5000); // what starting takes is no running cost
const own = [guardian.pid, ...childrenOf(guardian.pid).filter(isSentinel)];

const percent = await cpuPercent(quietSeconds * 1000);
const mib = own.reduce((sum, pid) => sum + pssKib(pid), 0) / 1024;
console.log(
  `${SERVICES} services, a beat a second each, ${quietSeconds}s: ${percent.toFixed(2)} % of a core, ` +
    `${mib.toFixed(1)} MiB (PSS; ${own.map((pid) => (pssKib(pid) / 1024).toFixed(1)).join(' + ')})`,
);

const loads = Array.from({ length: 2 * availableParallelism() }, () =>
  spawn(process.execPath, ['-e', 'for (;;);']),
);
await pause(busySeconds * 1000);
for (const load of loads) load.kill('SIGKILL');
const restarts = told.filter(({ event }) => event === 'restarting').length;
const troubles = told.filter(({ event }) => event === 'own-trouble').length;
console.log(
  `${loads.length} busy loops, ${busySeconds}s: ${restarts} restarts, own trouble told ${troubles} times`,
);

guardian.kill('SIGTERM');
await new Promise((resolve) => guardian.once('exit', resolve));
rmSync(folder, { recursive: true });
process.exitCode = percent > MOST_CPU_PERCENT || mib > MOST_MIB || restarts > 0 ? 1 : 0;

async function cpuPercent(ms) {
  const used = () => own.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const [before, from] = [used(), performance.now()];
  await pause(ms);
  return ((used() - before) / (performance.now() - from)) * 100;
}

function isSentinel(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('guard-sentinel');
}

/** What is shared with other processes counts in parts. */
function pssKib(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}
