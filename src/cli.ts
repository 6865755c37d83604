/** The bin: builds the environment, runs the program, sets the exit code. Only here is `process` known whole. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import {
  interruptExitCode,
  type Environment,
  type InterruptSignal,
  type Output,
} from './commands/environment.js';
import { OneAtATime, type Stream } from './commands/one-at-a-time.js';
import { buildProgram } from './commands/program.js';
import { errorCodes, stackOf, TcpaliveError } from './errors.js';
import { printable } from './report/printable.js';

/** EX_SOFTWARE of sysexits(3): a bug of ours, never to be mistaken for a verdict. */
const BUG_EXIT_CODE = 70;
const USAGE_EXIT_CODE = 2;

const environment: Environment = {
  stdout: output(process.stdout, stdoutFailed),
  stderr: output(process.stderr, stderrFailed),
  variables: process.env,
  version: (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    }
  ).version,
  bin: fileURLToPath(new URL('cli.cjs', import.meta.url)),
  // argv[1] is absolute, but follows no link: an upgrade may have changed where that leads.
  command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  onInterrupt,
  onHangup,
  onRestart(handler) {
    process.on('SIGUSR2', handler);
    return () => process.off('SIGUSR2', handler);
  },
  onExit(handler) {
    process.on('exit', handler);
    return () => process.off('exit', handler);
  },
  setExitCode: (code) => (process.exitCode = code),
};

// In a timer or a listener too a bug is a bug, and never a verdict.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

// Not awaited: the bin is CommonJS, which cannot.
buildProgram(environment, process.argv[2]).parseAsync(process.argv).catch(fail);

/** A reader that has seen enough, such as `head`, is no failure of ours; a full disk is. */
function stdoutFailed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') {
    const message = `cannot write the output: ${error.code ?? error.message}`;
    fail(new TcpaliveError('CANNOT_WRITE', message, { cause: error }));
  }
  process.exit();
}

/** What changes other programs goes on without a word, and puts back what it must. */
function stderrFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.once('exit', (code) => {
    if (code === 0) process.exitCode = errorCodes.CANNOT_WRITE;
  });
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  } else if (error instanceof TcpaliveError) {
    const hint = error.hint === undefined ? '' : `\n  ${printable(error.hint)}`;
    environment.stderr.write(`error: ${printable(error.message)} (${error.code})${hint}\n`);
    process.exitCode = error.exitCode;
  } else {
    environment.stderr.write(`${stackOf(error)}\n`);
    process.exitCode = BUG_EXIT_CODE;
  }
}

/** Node's types promise `isTTY`; where it is no terminal there is none. */
function output(
  stream: Stream & {
    readonly fd: number;
    isTTY?: boolean;
    columns?: number;
    rows?: number;
    on(event: 'error', handler: (error: NodeJS.ErrnoException) => void): unknown;
  },
  onError: (error: NodeJS.ErrnoException) => void,
): Output {
  const pieces = new OneAtATime(stream);
  let goesOnUnread = false;
  const failed = (error: NodeJS.ErrnoException) => {
    if (goesOnUnread && error.code === 'EPIPE') pieces.end();
    else onError(error);
  };
  stream.on('error', failed);
  return {
    isTTY: stream.isTTY ?? false,
    get columns() {
      return known(stream.columns);
    },
    get rows() {
      return known(stream.rows);
    },
    get waiting() {
      return pieces.waiting;
    },
    write: (piece) => pieces.write(piece),
    // What is written to a terminal is on it at once: nothing is left for the shell's prompt to cross.
    neverBlock() {
      if (stream.isTTY === true) return;
      goesOnUnread = true;
      pieces.neverBlock();
    },
    goOnIn(streamFor) {
      if (stream.isTTY === true) return;
      goesOnUnread = true;
      const other = streamFor(stream.fd);
      if (other !== undefined) pieces.goOnIn(other.on('error', failed));
    },
  };
}

/** Of a terminal that has not been told its size, such as a new one of a serial line: 0 (ioctl_tty(2)). */
function known(size: number | undefined): number | undefined {
  return size === 0 ? undefined : size;
}

/** A terminal that goes away leaves as much to put back as Ctrl-C. */
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function onInterrupt(handler: (signal: InterruptSignal) => void): () => void {
  let seen = false;
  const received = (name: NodeJS.Signals) => {
    const signal = INTERRUPTS.find((known) => known === name);
    if (signal === undefined || (signal === 'SIGHUP' && hangups.size > 0)) return;
    if (seen) process.exit(interruptExitCode[signal]);
    seen = true;
    handler(signal);
  };
  for (const signal of INTERRUPTS) process.on(signal, received);
  return () => INTERRUPTS.forEach((signal) => process.off(signal, received));
}

const hangups = new Set<() => void>();

function onHangup(handler: () => void): () => void {
  const received = () => handler();
  hangups.add(received);
  process.on('SIGHUP', received);
  return () => {
    hangups.delete(received);
    process.off('SIGHUP', received);
  };
}
