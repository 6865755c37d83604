/** The lab's processes: started, reached, stopped and ended from their parent. */
import { spawn, type ChildProcess } from 'node:child_process';
import { unshareCommand } from '../kernel/namespace.js';
import { remote, type Remote } from './channel.js';
import type { Station, StationEvent } from './station.js';

/** A process that holds one end of connections. */
export interface Peer {
  readonly pid: number;
  readonly station: Remote<Station>;
  /** SIGSTOP: the process hangs, its kernel goes on acknowledging. */
  stop(): void;
  /** SIGCONT. */
  goOn(): void;
  /** Ends it, stopped or not, and resolves when it is gone. */
  end(): Promise<void>;
}

export type LabRole = 'conductor' | 'station';

/**
 * Starts this program again in one of the lab's roles, in a session of its own: Ctrl-C is for the
 * command that was typed. It ends with its parent: see commands/lab.ts.
 */
export function spawnLab(bin: string, role: LabRole, inNamespace: boolean): ChildProcess {
  const node = [process.execPath, bin, 'lab', role, String(process.pid)];
  const [command = '', ...args] = inNamespace ? [...unshareCommand, ...node] : node;
  return spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
}

/** Starts a peer; its events are of interest only to some. */
export type StartPeer = (onEvent?: (event: StationEvent) => void) => Promise<Peer>;

export async function startPeer(
  bin: string,
  onEvent: (event: StationEvent) => void = () => undefined,
): Promise<Peer> {
  const child = spawnLab(bin, 'station', false);
  const station = remote<Station>(child, 'peer', (event) => onEvent(event as StationEvent));
  await station.look({ ids: [] }); // it answers: it is there
  return {
    pid: child.pid ?? 0,
    station,
    stop: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    end: () => endProcess(child),
  };
}

/** SIGKILL reaches a stopped process too. */
export function endProcess(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    }
  });
}
