/** Without privilege everything that can be known is shown, and the rest says why. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Survey } from '../../src/core/survey.js';
import { kernel, lacks, TEST_MS } from '../real-kernel.js';
import { connectionsBetween, endsOf, Sockets, type Pair } from './sockets.js';
import type { Ends } from './watch.js';

interface Told {
  readonly pid: number;
  readonly fd: number;
  readonly ends: Ends;
  readonly survey: Survey;
}

const NOBODY = '65534';
const isRoot = process.getuid?.() === 0;

describe.skipIf(lacks('sockDiag', 'keepaliveTuning', 'tcpInfo'))('a user without any right', () => {
  const sockets = new Sockets();
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-nobody-'));
  let foreign: Pair;

  beforeAll(async () => {
    foreign = await sockets.pair((work) => work());
    kernel.setKeepalive(foreign.connected, { idleSeconds: 61, intervalSeconds: 11, count: 7 });
    await build({
      input: 'test/host/nobody.ts',
      platform: 'node',
      external: ['koffi'],
      output: { file: join(folder, 'nobody.mjs'), format: 'esm', codeSplitting: false },
    });
    for (const part of ['node_modules/koffi', 'node_modules/@koromix']) {
      cpSync(part, join(folder, part), { recursive: true });
    }
    chmodSync(folder, 0o755);
  }, TEST_MS);

  afterAll(() => {
    sockets.closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  function asNobody(...args: readonly string[]) {
    const command = [process.execPath, join(folder, 'nobody.mjs'), ...args];
    const setpriv = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
    const [program = '', ...rest] = isRoot ? [...setpriv, ...command] : command;
    const { stdout, stderr } = spawnSync(program, rest, {
      encoding: 'utf8',
      cwd: folder,
      maxBuffer: 2 ** 28,
    });
    return { stderr, told: stdout === '' ? undefined : (JSON.parse(stdout) as Told) };
  }

  it('sees its own sockets in full, and of others what the kernel tells everybody', () => {
    const { stderr, told } = asNobody();
    expect(stderr).toBe('');
    if (told === undefined) throw new Error('nothing told');
    expect(connectionsBetween(told.survey, told.ends)).toMatchObject([
      {
        process: { pid: told.pid, fd: told.fd, name: expect.any(String) as string },
        keepalive: { kind: 'known', idleSeconds: 61, intervalSeconds: 11, count: 7 },
        userTimeoutMs: 0,
        fate: { kind: 'armed', idle: { kind: 'within' }, busy: { kind: 'within' } },
      },
    ]);
    const { connected, accepted } = foreign;
    if (!isRoot) return;
    const reason = 'its process may not be looked into by this user: root can';
    expect(connectionsBetween(told.survey, endsOf(connected, accepted))).toMatchObject([
      {
        state: 'ESTABLISHED',
        process: null,
        unit: null,
        silentMs: expect.any(Number) as number,
        timer: { kind: 'keepalive' },
        keepalive: { kind: 'unknown', reason },
        userTimeoutMs: null,
        fate: {
          kind: 'armed',
          idle: { kind: 'unknown', reason },
          busy: { kind: 'assumed', assuming: 'no user timeout' },
        },
      },
    ]);
    // That there is no timer, everybody is told.
    expect(connectionsBetween(told.survey, endsOf(accepted, connected))).toMatchObject([
      {
        process: null,
        keepalive: { kind: 'off' },
        fate: { kind: 'forever' },
      },
    ]);
    expect(told.survey.notes).toEqual([
      expect.stringMatching(/^\d+ process(es)? of other users could not be looked into/),
    ]);
    expect(told.survey.processes.map(({ pid }) => pid)).toEqual([told.pid]);
  });

  it.skipIf(!isRoot)('is told that a namespace of others is not for it', () => {
    const { stderr, told } = asNobody('/proc/1/ns/net');
    expect(told).toBeUndefined();
    expect(stderr).toMatch(/NO_CAPABILITY/);
    expect(stderr).toMatch(/takes root/);
  });

  it('looks at all namespaces that it may enter', () => {
    const { stderr, told } = asNobody('all');
    expect(stderr).toBe('');
    expect(told?.survey.namespaces[0]?.shown).toBe(true);
  });
});
