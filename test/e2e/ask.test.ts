/** A thousand idle connections, most of them dead, and who is asked: nothing is closed, nothing stays changed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Survey } from '../../src/core/survey.js';
import type { OptionValues } from '../../src/kernel/socket-view.js';
import { kernel } from '../real-kernel.js';
import { until } from '../until.js';
import {
  connected,
  connectionsOf,
  cutOff,
  lacksNetworkAndReach,
  listening,
  ownNetwork,
  settled,
  SOON_MS,
  type Crowd,
  type Network,
} from './network.js';
import { start, type Run, type Running } from './program.js';

const CONNECTIONS = 1000;
const CUT = 700;
const PORT = 7000;

/** Of a connection that was tuned once and turned off again: as little may be left of that changed. */
const TUNED: OptionValues = {
  keepalive: false,
  idleSeconds: 611,
  intervalSeconds: 13,
  count: 5,
  userTimeoutMs: 123_456,
};

interface Outage {
  readonly network: Network;
  readonly server: Crowd;
  /** Of every connection of the server before anybody was asked, by descriptor. */
  readonly before: readonly OptionValues[];
  /** Where records are kept. */
  readonly state: string;
}

async function outage(): Promise<Outage> {
  const network = await ownNetwork();
  const server = await listening(network, PORT);
  const clients = await connected(network, PORT, CONNECTIONS);
  cutOff(clients.pid, CUT);
  await settled(server.pid);
  const tuned = connectionsOf(server.pid).filter((_, at) => at % 100 === 0);
  kernel.withProcess(server.pid, (borrow) => {
    for (const { fd } of tuned) borrow(fd, (mine) => kernel.setOptionValues(mine, TUNED));
  });
  const state = mkdtempSync(join(tmpdir(), 'tcpalive-e2e-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  return { network, server, before: valuesOf(server), state };
}

function valuesOf({ pid }: Crowd): readonly OptionValues[] {
  return connectionsOf(pid).map(({ values }) => values);
}

function ls({ network, state, server }: Outage, ...args: readonly string[]): Running {
  const words = ['dist/cli.cjs', 'ls', '--json', '--pid', `${server.pid}`, ...args];
  return start([], {
    command: network.command(process.execPath, ...words),
    variables: { XDG_STATE_HOME: state },
  });
}

function surveyIn({ stdout }: Run): Survey {
  return JSON.parse(stdout) as Survey;
}

/** `{ silent: 700, answers: 300 }`; of those not asked why. */
function answersIn({ connections }: Survey): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { ask } of connections) {
    const answer = ask.kind === 'not-asked' ? ask.reason : ask.kind;
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

/** Not one closed, not one with a timer, and every option as it was. */
async function expectUntouched(found: Outage): Promise<void> {
  expect(valuesOf(found.server)).toEqual(found.before);
  const { connections } = surveyIn(await ls(found).ended);
  expect(connections).toHaveLength(CONNECTIONS);
  expect(new Set(connections.map(({ state }) => state))).toEqual(new Set(['ESTABLISHED']));
  expect(new Set(connections.map(({ timer }) => timer.kind))).toEqual(new Set(['none']));
  expect(readdirSync(join(found.state, 'tcpalive'))).toEqual([]);
}

/**
 * Resolves when all of them are being asked. Not looked at before all are on record: whoever borrows a
 * descriptor while the survey is taken holds it too.
 */
async function inTheMiddle({ server, state }: Outage, { printed }: Running): Promise<void> {
  const recorded = () =>
    recordsIn(state).reduce((sum, text) => sum + text.split('\n').length - 2, 0);
  const isAsked = () =>
    recorded() === CONNECTIONS && valuesOf(server).every(({ keepalive }) => keepalive);
  await until(isAsked, SOON_MS).catch((cause: unknown) => {
    throw new Error(`${recorded()} of ${CONNECTIONS} are on record: ${printed()}`, { cause });
  });
}

function recordsIn(state: string): readonly string[] {
  const folder = join(state, 'tcpalive');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
}

describe.skipIf(lacksNetworkAndReach)('ls --ask (needs a network namespace, pidfd, a drop)', () => {
  it('tells who of a thousand is dead, and leaves them as they were', async () => {
    const found = await outage();
    const asked = await ls(found, '--ask').ended;
    expect(asked.code).toBe(0);
    expect(asked.stderr).toMatch(
      /^((waiting for 1000 to answer, up to \d+s|asked \d+ of 1000)\n)*asked 1000 of 1000\n$/,
    );
    expect(answersIn(surveyIn(asked))).toEqual({ silent: CUT, answers: CONNECTIONS - CUT });
    expect(surveyIn(asked).complete).toBe(true);
    await expectUntouched(found);
  });

  it('Ctrl-C in the middle puts everything back, and says what is known', async () => {
    const found = await outage();
    const running = ls(found, '--ask=60s');
    await inTheMiddle(found, running);
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    const survey = surveyIn(ended);
    expect(survey.complete).toBe(false);
    const { interrupted = 0, answers = 0, ...others } = answersIn(survey);
    expect([interrupted + answers, others]).toEqual([CONNECTIONS, {}]);
    expect(interrupted).toBeGreaterThanOrEqual(CUT);
    await expectUntouched(found);
  });

  it('after kill -9 in the middle the next ask puts everything back, and asks again', async () => {
    const found = await outage();
    const running = ls(found, '--ask=60s');
    await inTheMiddle(found, running);
    running.child.kill('SIGKILL');
    await running.ended;
    expect(valuesOf(found.server).every(({ keepalive }) => keepalive)).toBe(true);
    const looked = await ls(found).ended;
    expect(looked.stderr).toBe(
      'an interrupted ask has left options changed: tcpalive ls --ask puts them back\n',
    );
    const asked = await ls(found, '--ask').ended;
    expect(asked.code).toBe(0);
    expect(asked.stderr).toContain(
      `put back the options of ${CONNECTIONS} that an interrupted ask had left changed\n`,
    );
    expect(answersIn(surveyIn(asked))).toEqual({ silent: CUT, answers: CONNECTIONS - CUT });
    await expectUntouched(found);
  });
});
