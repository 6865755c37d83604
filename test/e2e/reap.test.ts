/** A process that has run out of descriptors for dead connections, and gets them back. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReapResult } from '../../src/core/reap.js';
import type { Survey } from '../../src/core/survey.js';
import { kernel } from '../real-kernel.js';
import { until } from '../until.js';
import {
  ADDRESS,
  connected,
  connectionsOf,
  crowd,
  cutOff,
  lacksDestroy,
  listening,
  ownNetwork,
  settled,
  SOON_MS,
  type Crowd,
  type Network,
} from './network.js';
import { run, type Run } from './program.js';

const DEAD = 500;
const PORT = 7000;

/** Dead connections, two that live, and what Node itself has open. */
const NOFILE = 540;

/** A terminal's other end, in a network of nobody's. */
const SSH_CLIENT = '192.0.2.9';

interface Exhausted {
  readonly network: Network;
  readonly server: Crowd;
  /** All of them lived when they connected. */
  readonly living: Crowd;
  readonly dead: Crowd;
  readonly variables: Readonly<Record<string, string>>;
  readonly state: string;
}

/** 500 dead ones, one dead one on loopback, the dead one of this very session, and some that live. */
async function exhausted(): Promise<Exhausted> {
  const network = await ownNetwork();
  const server = await listening(network, PORT, { nofile: NOFILE });
  const dead = await connected(network, PORT, DEAD);
  const [loopback, session] = await Promise.all([
    connected(network, PORT, 1, { to: '127.0.0.1' }),
    connected(network, PORT, 1, { from: SSH_CLIENT }),
  ]);
  const [, sshPort = ''] =
    new RegExp(`connected from ${SSH_CLIENT}:(\\d+)`).exec(session.printed()) ?? [];
  await settled(server.pid);
  for (const { pid } of [dead, loopback, session]) cutOff(pid, DEAD);

  const living = await connected(network, PORT, 1);
  // Whoever comes now is closed at once, or waits for ever: there is nothing to accept with.
  const rest = NOFILE - (kernel.openDescriptors(server.pid) ?? NOFILE);
  if (rest > 0) await connected(network, PORT, rest);
  expect(kernel.openDescriptors(server.pid)).toBe(NOFILE);
  await refused(network);

  const state = mkdtempSync(join(tmpdir(), 'tcpalive-e2e-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const variables = {
    XDG_STATE_HOME: state,
    SSH_CONNECTION: `${SSH_CLIENT} ${sshPort} ${ADDRESS} ${PORT}`,
  };
  return { network, server, living, dead, variables, state };
}

/** Connects, and nobody greets. */
async function refused(network: Network): Promise<void> {
  const late = crowd(network, ['connect', ADDRESS, `${PORT}`, '1', ADDRESS]);
  await late.sees(/closed, 0 held/);
  expect(late.printed()).not.toMatch(/greeted/);
}

function tcpalive({ network, variables }: Exhausted, ...args: readonly string[]): Promise<Run> {
  return run([], {
    command: network.command(process.execPath, 'dist/cli.cjs', ...args),
    variables,
  });
}

async function reap(found: Exhausted, ...args: readonly string[]): Promise<ReapResult> {
  const { code, stdout } = await tcpalive(found, 'reap', '--json', ...args);
  expect(code).toBe(0);
  return JSON.parse(stdout) as ReapResult;
}

/** `{ ended: 500 }` */
function outcomesOf({ connections }: ReapResult): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { outcome } of connections) counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1;
  return counts;
}

/** Both paths to the same proof. */
const PROOFS = [
  {
    proof: 'dying beyond --after',
    evidence: /^\d+s without answer, retransmissions: \d+$/,
    notDead: 'not-dying',
    args: ['--local', `:${PORT}`, '--after', '1s'],
    /** What the server has to say is never acknowledged. */
    prepare: async (found: Exhausted) => {
      found.server.child.stdin.write('write\n');
      const isDying = async () => {
        const { stdout } = await tcpalive(found, 'ls', '--json', '--fate', 'dying');
        const { connections } = JSON.parse(stdout) as Survey;
        return (
          connections.filter(({ unansweredMs }) => (unansweredMs ?? 0) >= 1000).length === DEAD + 2
        );
      };
      const deadline = performance.now() + SOON_MS;
      while (!(await isDying()) && performance.now() < deadline);
    },
  },
  {
    proof: 'silent under two asks',
    evidence: /^silent under two asks$/,
    notDead: 'answered',
    args: ['--local', `:${PORT}`, '--ask=500ms'],
    prepare: () => Promise.resolve(),
  },
] as const;

describe.skipIf(lacksDestroy)(
  'reap (needs a network namespace, pidfd, a drop, SOCK_DESTROY)',
  () => {
    it.each(PROOFS)('frees what is $proof', async ({ args, evidence, notDead, prepare }) => {
      const found = await exhausted();
      const { server, living, network } = found;
      await prepare(found);

      const dry = await reap(found, ...args);
      expect([dry.dryRun, outcomesOf(dry), dry.recordFile]).toEqual([
        true,
        { 'would-end': DEAD },
        null,
      ]);
      expect(kernel.openDescriptors(server.pid)).toBe(NOFILE);

      const reaped = await reap(found, ...args, '--yes');
      expect([reaped.dryRun, reaped.complete, outcomesOf(reaped)]).toEqual([
        false,
        true,
        { ended: DEAD },
      ]);
      expect(reaped.connections.every((each) => evidence.test(each.evidence))).toBe(true);
      expect(new Set(reaped.connections.map(({ peer }) => peer.address))).toEqual(
        new Set([ADDRESS]),
      );
      expect(reaped.kept).toContainEqual({ reason: 'loopback', connections: 1 });
      expect(reaped.kept).toContainEqual({ reason: 'own-session', connections: 1 });
      expect(reaped.kept.map(({ reason }) => reason)).toContain(notDead);

      await until(() => (kernel.openDescriptors(server.pid) ?? NOFILE) <= NOFILE - DEAD, SOON_MS);
      await connected(network, PORT, 10);
      expect(living.printed()).not.toMatch(/closed|ended/);
      expect(connectionsOf(living.pid).map(({ info }) => info.state)).toEqual(['ESTABLISHED']);
      // Loopback and this session, which nobody answers on either, were not even asked.
      expect(connectionsOf(server.pid).filter(({ info }) => info.probes > 0)).toEqual([]);
      expectEvidence(reaped, found.state);
    });

    it('as a table, and leaves no trace of what it only showed', async () => {
      const found = await exhausted();
      const { code, stdout, stderr } = await tcpalive(found, 'reap', '--port', `${PORT}`);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(
        /left alone: no timer, dead or merely quiet; with --ask they are asked twice/,
      );
      expect(stdout).toMatch(/^Nothing that was meant is proven dead\.$/m);
      expect(readdirSync(found.state)).toEqual([]);
    });

    it('counts who answered, though --silent does not mean them any more', async () => {
      const network = await ownNetwork();
      const server = await listening(network, PORT);
      await connected(network, PORT, 2);
      const isSilent = () =>
        connectionsOf(server.pid).every(({ info }) => info.lastAckReceivedMs >= 1000);
      await until(isSilent, SOON_MS);
      const { stdout } = await run([], {
        command: network.command(
          ...[process.execPath, 'dist/cli.cjs', 'reap', '--json', '--local', `:${PORT}`],
          ...['--silent', '1s', '--ask=500ms'],
        ),
      });
      const { connections, kept } = JSON.parse(stdout) as ReapResult;
      expect([connections, kept]).toEqual([[], [{ reason: 'answered', connections: 2 }]]);
    });

    it('who answers among the silent is left alone', async () => {
      const found = await exhausted();
      const { dead, server } = found;
      const args = ['reap', '--json', '--local', `:${PORT}`, '--ask=500ms', '--yes'];
      const first = connectionsOf(dead.pid).slice(0, 1);
      kernel.withProcess(dead.pid, (borrow) => {
        for (const { fd } of first) {
          borrow(fd, (mine) => {
            kernel.heal(mine, kernel.capabilities.socketFilter ? 'socket-filter' : 'min-ttl');
          });
        }
      });
      const result = JSON.parse((await tcpalive(found, ...args)).stdout) as ReapResult;
      expect(outcomesOf(result)).toEqual({ ended: DEAD - 1 });
      await until(() => connectionsOf(server.pid).length <= NOFILE - DEAD, SOON_MS);
      expect(connectionsOf(dead.pid)[0]?.info.state).toBe('ESTABLISHED');
    });
  },
);

/** Of each, before the first was ended, for its owner alone. */
function expectEvidence({ recordFile, connections }: ReapResult, state: string): void {
  if (recordFile === null) throw new Error('no record');
  expect(readdirSync(join(state, 'tcpalive')).map((name) => join(state, 'tcpalive', name))).toEqual(
    [recordFile],
  );
  expect(statSync(recordFile).mode & 0o777).toBe(0o600);
  const lines = readFileSync(recordFile, 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const [announced, done] = [records.slice(0, DEAD), records.slice(DEAD)];
  expect(announced.map(({ to, evidence }) => ({ to, evidence }))).toEqual(
    connections.map(({ evidence }) => ({ to: 'end', evidence })),
  );
  expect(done.map(({ did, cookie, outcome }) => ({ did, cookie, outcome }))).toEqual(
    connections.map(({ cookie }) => ({ did: 'ended', cookie, outcome: { kind: 'ended' } })),
  );
}
