/** A guardian in a process of its own, for what a test cannot be itself: PID 1, or killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Child } from '../../src/guard/child.js';
import { Family } from '../../src/guard/family.js';
import { keepSentinel } from '../../src/guard/sentinel.js';
import { openKernel } from '../../src/kernel/open-kernel.js';

const kernel = await openKernel();
const family = new Family(kernel, process.env);
const [, , role, ...rest] = process.argv;

if (role === 'storm') await storm(Number(rest[0]));
else if (role === 'reuse') await reuse();
else await held(rest);

/** Orphans by the hundred, whom nobody but PID 1 can reap. */
async function storm(orphans: number): Promise<void> {
  const text = `i=0; while [ $i -lt ${orphans} ]; do (setsid sh -c "true &" &); i=$((i+1)); done`;
  const child = await started(text);
  await child.exited;
  const stopped = await child.stop({ stopTimeoutMs: 1000 });
  const own = spawn('sh', ['-c', 'exit 6']);
  const [code] = (await once(own, 'exit')) as [number];
  while (kernel.children().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  say({ ...stopped, code, left: kernel.processIds() });
  family.close();
}

/** The number of a service that has ended is a stranger's, who is started by somebody else. */
async function reuse(): Promise<void> {
  const child = await started('exit 0');
  await child.exited;
  const { pid } = child;
  let stranger = spawn('true');
  do {
    await once(stranger, 'exit');
    writeFileSync('/proc/sys/kernel/ns_last_pid', `${pid - 1}`);
    stranger = spawn('sleep', ['60']);
    if (stranger.pid !== pid) stranger.kill('SIGKILL');
  } while (stranger.pid !== pid);
  const standing = child.standingOf(pid);
  const isFollowed = child.follow(pid);
  const stopped = await child.stop({ stopTimeoutMs: 1000 });
  say({ standing, isFollowed, by: stopped.by, isLiving: kernel.kinOf(pid)?.hasEnded === false });
  stranger.kill('SIGKILL');
  family.close();
}

async function held(sentinel: readonly string[]): Promise<void> {
  await started("trap '' TERM; (setsid sleep 60 &); while :; do sleep 0.05; done");
  await started('sleep 60 & kill -STOP $$');
  const command = [...sentinel, family.token, '300ms'];
  const kept = keepSentinel(family, { command, onLost: (reason) => say({ reason }) });
  say({ token: family.token, sentinel: kept.pid });
}

async function started(text: string): Promise<Child> {
  const outcome = await family.start({
    command: ['sh', '-c', text],
    variables: process.env,
    output: 'ignore',
  });
  if (outcome.kind === 'failed') throw new Error(outcome.reason);
  return outcome.child;
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
