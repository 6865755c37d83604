import { describe, expect, it } from 'vitest';
import { showStatus } from '../../src/commands/status-line.js';
import { fakeEnvironment } from './environment.js';

describe('the status line', () => {
  it('is painted over on a terminal, and cleared away at the end', () => {
    const env = fakeEnvironment({ stderr: { columns: 12, rows: 24 } });
    const status = showStatus(env);
    status.show('1 of 900 connections');
    status.show('2 of 900');
    status.end();
    status.end();
    expect(env.stderr.text).toBe('\r1 of 900 c~\x1b[K\r2 of 900\x1b[K\r\x1b[K');
  });

  it('makes room for lines that stay', () => {
    const env = fakeEnvironment({ stderr: { columns: 80, rows: 24 } });
    const status = showStatus(env);
    status.show('1 of 2');
    status.say('covered 1 new socket');
    status.show('2 of 2', true);
    expect(env.stderr.text).toBe('\r1 of 2\x1b[K\r\x1b[Kcovered 1 new socket\n2 of 2\n');
  });

  it('elsewhere tells the first and the last, and in between not everything', () => {
    const env = fakeEnvironment();
    const status = showStatus(env);
    status.show('1 of 3');
    status.show('2 of 3');
    status.show('3 of 3', true);
    status.end();
    expect(env.stderr.text).toBe('1 of 3\n3 of 3\n');
  });
});
