import { describe, expect, it } from 'vitest';
import { listenForInterrupt } from '../../src/commands/interrupt.js';
import { fakeEnvironment } from './environment.js';

describe('an interruption', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s aborts, and decides what the command exits with', (signal, code) => {
    const env = fakeEnvironment();
    const interrupt = listenForInterrupt(env);
    env.interrupt(signal);
    expect(interrupt.signal.aborted).toBe(true);
    expect(interrupt.happened).toBe(true);
    expect([interrupt.exitCode(0), interrupt.exitCode(1)]).toEqual([code, code]);
  });

  it('that does not come leaves the command its own exit code', () => {
    const interrupt = listenForInterrupt(fakeEnvironment());
    expect(interrupt.signal.aborted).toBe(false);
    expect(interrupt.happened).toBe(false);
    expect([interrupt.exitCode(0), interrupt.exitCode(1)]).toEqual([0, 1]);
  });

  it('is told to whoever waits for it', () => {
    const env = fakeEnvironment();
    const { signal } = listenForInterrupt(env);
    let told = 0;
    signal.addEventListener('abort', () => told++);
    env.interrupt();
    expect(told).toBe(1);
  });

  it('means nothing once it is ignored', () => {
    const env = fakeEnvironment();
    const interrupt = listenForInterrupt(env);
    interrupt.ignore();
    expect(env.listeners.interrupt).toBe(0);
    env.interrupt();
    expect(interrupt.signal.aborted).toBe(false);
    expect(interrupt.exitCode(0)).toBe(0);
  });

  it('begins a line behind the ^C that a terminal has echoed, and only there', () => {
    const [terminal, pipe] = [
      fakeEnvironment({ stderr: { columns: 80, rows: 24 } }),
      fakeEnvironment({ stdout: { columns: 80, rows: 24 } }),
    ];
    for (const env of [terminal, pipe]) {
      listenForInterrupt(env);
      env.interrupt();
      expect(env.stdout.text).toBe('');
    }
    expect([terminal.stderr.text, pipe.stderr.text]).toEqual(['\n', '']);
  });
});
