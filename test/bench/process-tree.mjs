// What a process and all that it started use.
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory in KiB, now and when it was most, and CPU time in milliseconds. */
export function usage(pid) {
  const each = family(pid).map((member) => ({ ...memory(member), cpuMs: cpuMs(member) }));
  return each.reduce((sum, one) => ({
    rssKb: sum.rssKb + one.rssKb,
    peakKb: sum.peakKb + one.peakKb,
    cpuMs: sum.cpuMs + one.cpuMs,
  }));
}

export function family(pid) {
  return [pid, ...childrenOf(pid).flatMap(family)];
}

export function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}

function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { rssKb: kb('VmRSS'), peakKb: kb('VmHWM') };
}

/** In nanoseconds for each thread; /proc/PID/stat counts in hundredths of a second. */
export function cpuMs(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);
}
