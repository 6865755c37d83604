/** What a person at a terminal sees, through script(1): a picture while it runs, the table at its end. */
import { describe, expect, it } from 'vitest';
import { start, type Running } from './program.js';

const ESC = '\u001b';
const CONTROL = new RegExp(`${ESC}\\[|${ESC}\\]`);
const HIDE_CURSOR = `${ESC}[?25l`;
const SHOW_CURSOR = `${ESC}[?25h`;
const HOME_AND_CLEAR = new RegExp(`${ESC}\\[\\d+A\\r`, 'g');

const ARGS = ['compare', '--modes', 'none,heartbeat=300ms:1s', '--loads', 'idle', '--limit', '3s'];

/** `script -c` takes one string; nothing in these arguments needs quoting. */
function onTerminal(args: readonly string[], variables: Readonly<Record<string, string>>): Running {
  const command = [
    'stty cols 100 rows 40;',
    'exec',
    process.execPath,
    'dist/cli.cjs',
    ...args,
  ].join(' ');
  return start([], { variables, command: ['script', '-qefc', command, '/dev/null'] });
}

describe('on a terminal', () => {
  it('a lane a row is repainted in place, and gone in favour of the table', async () => {
    const { ended } = onTerminal(ARGS, { TERM: 'xterm-256color' });
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout.match(HOME_AND_CLEAR)?.length).toBeGreaterThan(5);
    expect(stdout).toMatch(/heartbeat=300ms:1s/);
    const [picture = '', table = ''] = stdout.split(SHOW_CURSOR);
    expect(picture).toContain(HIDE_CURSOR);
    // The picture ends with everything below its first line cleared.
    expect(picture.endsWith(`${ESC}[J`)).toBe(true);
    expect(table).toMatch(/MODE +LOAD +NOTICED/);
    expect(table).not.toMatch(CONTROL);
  });

  it('Ctrl-C leaves the terminal as it was, and says what is known', async () => {
    const running = onTerminal([...ARGS, '--limit', '20s', '--modes', 'none,heartbeat=300ms:1s'], {
      TERM: 'xterm-256color',
    });
    await running.sees(/20\/20|20 of 20|20 noticed/);
    running.child.stdin.write('\u0003');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    const [, table = ''] = stdout.split(SHOW_CURSOR);
    expect(table).toMatch(/MODE +LOAD +NOTICED/);
    expect(table).toMatch(/interrupted/i);
  });

  it('TERM=dumb: plain lines, a line a second at most', async () => {
    const { code, stdout } = await onTerminal(ARGS, { TERM: 'dumb' }).ended;
    expect(code).toBe(0);
    expect(stdout).not.toMatch(CONTROL);
    const progress = stdout.match(/^\d+s of \d+s: .*$/gm) ?? [];
    expect(progress.length).toBeGreaterThanOrEqual(2);
    expect(progress.length).toBeLessThanOrEqual(6);
  });
});

describe('not on a terminal', () => {
  it('data to stdout, progress to stderr', async () => {
    const { code, stdout, stderr } = await start(ARGS).ended;
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/of 3s:/);
    expect(stderr).toMatch(/^\d+s of \d+s: \d+ of \d+ noticed/m);
    expect(stdout + stderr).not.toMatch(CONTROL);
  });

  /** By a shell, which has the redirections. */
  const shell = (line: string) => start([], { command: ['bash', '-c', line] }).ended;
  const bin = `${process.execPath} dist/cli.cjs`;

  it.each([
    ['> /dev/full', 'ENOSPC'],
    ['1< /dev/null', 'EBADF'],
  ])('what cannot be written is no result: %s', async (where, errno) => {
    for (const args of ['compare --stacks', 'compare --predict-only --json', '--help']) {
      expect(await shell(`${bin} ${args} ${where}`)).toEqual({
        code: 3,
        stdout: '',
        stderr: `error: cannot write the output: ${errno} (CANNOT_WRITE)\n`,
      });
    }
    expect((await shell(`${bin} --help ${where} 2> /dev/full`)).code).toBe(3);
  });

  it('goes on to its end where nobody can be told how far it is, and says so at last', async () => {
    const { code, stdout } = await shell(`${bin} ${ARGS.join(' ')} 2> /dev/full`);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^heartbeat=300ms:1s +idle +20\/20/m);
  });

  it('a reader that has seen enough is no failure', async () => {
    const command = `${process.execPath} dist/cli.cjs --help | head -1; exit \${PIPESTATUS[0]}`;
    const { code, stderr } = await start([], { command: ['bash', '-c', command] }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
