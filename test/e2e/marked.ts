/** The processes that a test has started, and those that they have started, wherever they are by now. */
import { readdirSync, readFileSync } from 'node:fs';

/** Inherited by every process that the command starts, and by nobody else. */
export const MARK = 'TCPALIVE_TEST_MARK';

interface MarkedProcess {
  readonly pid: string;
  readonly stopped: boolean;
}

/** Every living process with that mark in its environment. */
export function marked(mark: string): readonly MarkedProcess[] {
  return pids().flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`)) return [];
      const [, state] = /^\d+ \(.*\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      return state === 'Z' ? [] : [{ pid, stopped: state === 'T' }];
    } catch {
      return []; // it has just ended, or is somebody else's
    }
  });
}

export function killMarked(mark: string): void {
  for (const { pid } of marked(mark)) process.kill(Number(pid), 'SIGKILL');
}

export function pids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}
