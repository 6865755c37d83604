// What a process and all that it started use.
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory in KiB and CPU time in milliseconds. */
export function usage(pid) {
  const each = family(pid).map((member) => ({ rssKb: rssKb(member), cpuMs: cpuMs(member) }));
  return each.reduce((sum, one) => ({
    rssKb: sum.rssKb + one.rssKb,
    cpuMs: sum.cpuMs + one.cpuMs,
  }));
}

export function family(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

function rssKb(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** In nanoseconds for each thread; /proc/PID/stat counts in hundredths of a second. */
function cpuMs(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);
}
