/** The built bin as a user has it: installed somewhere, started by somebody, seen from outside. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from '../until.js';
import { freePort } from '../free-port.js';

/** `nobody` has no privilege at all; run by a user who has none either, it is that user. */
type Who = 'self' | 'nobody';

export interface StartOptions {
  readonly as?: Who;
  readonly bin?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** This command instead, which starts the bin itself. */
  readonly command?: readonly string[];
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Run>;
  /** Everything printed so far, both streams. */
  readonly printed: () => string;
  /** Resolves once `pattern` has been printed. */
  sees(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
}

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Long against anything that is waited for, and shorter than a test's own time. */
const DEADLINE_MS = 45_000;

/** A copy that every user may read, with its run-time dependency or without. Gone after the test. */
export function install({ koffi = true } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-e2e-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['package.json', 'dist', 'fixtures/protocols', 'fixtures/scenarios']) {
    cpSync(part, join(folder, part), { recursive: true });
  }
  for (const part of ['node_modules/koffi', 'node_modules/@koromix']) {
    if (koffi && existsSync(part)) cpSync(part, join(folder, part), { recursive: true });
  }
  chmodSync(folder, 0o755);
  return join(folder, 'dist/cli.cjs');
}

export function start(args: readonly string[], options: StartOptions = {}): Running {
  const { as = 'self', bin = install(), variables = {} } = options;
  const [command = '', ...rest] = options.command ?? [process.execPath, bin, ...args];
  const child = spawn(command, rest, {
    env: { ...process.env, NO_COLOR: '1', HOME: tmpdir(), LC_ALL: 'C', ...variables },
    ...(as === 'nobody' && isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const printed = () => stdout + stderr;
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  return {
    child,
    ended,
    printed,
    sees: async (pattern, deadlineMs = DEADLINE_MS) => {
      const match = await until(
        () => pattern.exec(printed()) ?? child.exitCode ?? child.signalCode,
        deadlineMs,
      ).catch((cause: unknown) => {
        throw new Error(`not seen: ${pattern}\n${printed()}`, { cause });
      });
      if (typeof match === 'object' && match !== null) return match;
      await ended; // the last of its output
      const late = pattern.exec(printed());
      if (late === null) throw new Error(`ended (${match}) without ${pattern}:\n${printed()}`);
      return late;
    },
  };
}

/** A probe of `serve` on a port of which nothing is known. */
export function probeArgs(address: string, ...more: readonly string[]): readonly string[] {
  return ['probe', address, '--protocol', 'tcpalive', ...more];
}

export function run(args: readonly string[], options?: StartOptions): Promise<Run> {
  return start(args, options).ended;
}

/** `tcpalive serve` on a free port, ready. */
export async function serve(
  args: readonly string[],
  options?: StartOptions,
): Promise<Running & { readonly port: number; readonly address: string }> {
  const port = await freePort();
  const running = start(['serve', '--port', String(port), ...args], options);
  await running.sees(/listening/);
  return { ...running, port, address: `127.0.0.1:${port}` };
}
