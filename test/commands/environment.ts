/** The world of a command as a test has it: two texts, an exit code, and somebody who presses Ctrl-C. */
import type { Environment, InterruptSignal, Output } from '../../src/commands/environment.js';
import { until } from '../until.js';

interface FakeOutput extends Output {
  /** Settable: what a reader that does not read leaves. */
  waiting: number;
  /** Everything written so far. */
  readonly text: string;
  /** Resolves once `pattern` has been written. */
  sees(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface FakeEnvironment extends Environment {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  /** Undefined until a command has set one. */
  readonly exitCode: number | undefined;
  /** How many still wait for an interruption, and for the end of the process. */
  readonly listeners: {
    readonly interrupt: number;
    readonly hangup: number;
    readonly exit: number;
  };
  /** What `kill -USR2` does. */
  restart(): void;
  /** Ctrl-C, or what `kill` sends. */
  interrupt(signal?: InterruptSignal): void;
  /** SIGHUP. */
  hangUp(): void;
  /** The process ends, whoever ended it. */
  exit(): void;
}

interface Terminal {
  readonly columns: number;
  readonly rows: number;
}

export interface FakeWorld {
  readonly variables?: Readonly<Record<string, string>>;
  /** Undefined: no terminal. */
  readonly stdout?: Terminal;
  readonly stderr?: Terminal;
}

/** Long against anything that is waited for, and shorter than a test's own time. */
const DEADLINE_MS = 4000;

export function fakeEnvironment({
  variables = {},
  stdout,
  stderr,
}: FakeWorld = {}): FakeEnvironment {
  const onInterrupt = new Set<(signal: InterruptSignal) => void>();
  const onHangup = new Set<() => void>();
  const onRestart = new Set<() => void>();
  const onExit = new Set<() => void>();
  let exitCode: number | undefined;
  return {
    stdout: fakeOutput(stdout),
    stderr: fakeOutput(stderr),
    variables,
    version: '1.2.3',
    // Whoever starts it all the same finds nothing there.
    bin: '/nonexistent/tcpalive',
    command: ['/nonexistent/tcpalive'],
    onInterrupt: (handler) => registered(onInterrupt, handler),
    onHangup: (handler) => registered(onHangup, handler),
    onRestart: (handler) => registered(onRestart, handler),
    onExit: (handler) => registered(onExit, handler),
    setExitCode: (code) => (exitCode = code),
    get exitCode() {
      return exitCode;
    },
    get listeners() {
      return { interrupt: onInterrupt.size, hangup: onHangup.size, exit: onExit.size };
    },
    interrupt: (signal = 'SIGINT') => onInterrupt.forEach((handler) => handler(signal)),
    hangUp: () => onHangup.forEach((handler) => handler()),
    restart: () => onRestart.forEach((handler) => handler()),
    exit: () => onExit.forEach((handler) => handler()),
  };
}

function fakeOutput(terminal: Terminal | undefined): FakeOutput {
  let text = '';
  return {
    isTTY: terminal !== undefined,
    columns: terminal?.columns,
    rows: terminal?.rows,
    waiting: 0,
    neverBlock: () => undefined,
    goOnIn: () => undefined,
    write: (more) => void (text += typeof more === 'string' ? more : Buffer.from(more).toString()),
    get text() {
      return text;
    },
    sees: (pattern) =>
      until(() => pattern.exec(text), DEADLINE_MS).catch((cause: unknown) => {
        throw new Error(`not seen: ${pattern}\n${text}`, { cause });
      }) as Promise<RegExpExecArray>,
  };
}

function registered<Handler>(handlers: Set<Handler>, handler: Handler): () => void {
  handlers.add(handler);
  return () => void handlers.delete(handler);
}
