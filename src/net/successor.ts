/** The next version of this program, started with our listening sockets; it is ready when it says so. */
import { spawn } from 'node:child_process';

export interface SuccessorOptions {
  /** As this one was started: the program and its arguments. */
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** They become its descriptors from 3 on, in this order. */
  readonly descriptors: readonly number[];
}

export interface Successor {
  /** 0: it could not even be started. */
  readonly pid: number;
  /** True when it has said that it serves; false, with the reason, when it ended before. */
  readonly ready: Promise<SuccessorOutcome>;
  /** For what is not ready: SIGKILL reaches a stopped one too. */
  kill(): void;
}

type SuccessorOutcome =
  { readonly kind: 'ready' } | { readonly kind: 'ended'; readonly reason: string };

/** What the next version sends. */
interface ReadyMessage {
  readonly serving: true;
}

export function startSuccessor({ command, variables, descriptors }: SuccessorOptions): Successor {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...descriptors, 'ipc'],
    env: variables,
  });
  const ready = new Promise<SuccessorOutcome>((resolve) => {
    child.on('error', (error) =>
      resolve({ kind: 'ended', reason: `it cannot be started: ${error.message}` }),
    );
    child.once('exit', (code, signal) =>
      resolve({
        kind: 'ended',
        reason: `it ended early (${signal ?? `exit ${code ?? 0}`}): see the standard error of process ${process.pid}`,
      }),
    );
    child.on('message', (message) => {
      if (!isReady(message)) return;
      // From now on it is on its own, and does not keep us.
      child.disconnect();
      child.unref();
      resolve({ kind: 'ready' });
    });
  });
  return { pid: child.pid ?? 0, ready, kill: () => void child.kill('SIGKILL') };
}

/** To the previous version, once connections are taken in. */
export function tellPredecessor(): void {
  // It may have ended meanwhile.
  if (process.connected) process.send?.({ serving: true } satisfies ReadyMessage, () => undefined);
}

function isReady(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && 'serving' in message;
}
