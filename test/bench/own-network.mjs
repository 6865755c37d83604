// A benchmark in a network namespace of its own, which it runs itself again in: ports that nobody else has, and
// no traffic beside its own.
import { execFileSync, spawnSync } from 'node:child_process';

/** @param work what is to be done there, with `lo` up */
export async function inOwnNetwork(work) {
  if (process.env.TCPALIVE_BENCH_INSIDE !== undefined) {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    await work();
    return;
  }
  const isRoot = process.getuid() === 0;
  const namespace = isRoot ? ['--net'] : ['--user', '--map-root-user', '--net'];
  const { status } = spawnSync(
    'unshare',
    [...namespace, process.execPath, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, TCPALIVE_BENCH_INSIDE: '1' } },
  );
  process.exitCode = status ?? 1;
}
