import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Ask, Connection } from '../../src/core/survey.js';
import { TcpaliveError } from '../../src/errors.js';
import { ask, type AskRequest } from '../../src/host/ask.js';
import { askAbout, putBackLeftovers, tellOfLeftovers } from '../../src/host/ask-about.js';
import { ASKING, putBack, valuesToPutBack } from '../../src/host/ask-options.js';
import { undoLine, type UndoEntry } from '../../src/host/undo-format.js';
import { sameValues, type UndoFile } from '../../src/host/undo.js';
import { thisBoot } from '../../src/kernel/host-facts.js';
import { interruptible } from '../../src/kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { OptionValues, TcpInfo, WayOut } from '../../src/kernel/socket-view.js';
import { openPair, type RealEnd } from '../kernel/linux/loopback.js';
import { engine, kernel, lacks, lacksEngine, SOON_MS, TEST_MS } from '../real-kernel.js';
import { armed, connectionOf, surveyOf } from '../report/survey-fixture.js';
import { until } from '../until.js';

const cannotAsk = lacksEngine || lacks('pidfd', 'tcpInfo', 'keepaliveTuning', 'sockDiag');

/** Tuned once, and then turned off: what must come back to the letter. */
const TUNED: OptionValues = {
  keepalive: false,
  idleSeconds: 611,
  intervalSeconds: 13,
  count: 5,
  userTimeoutMs: 0,
};

/** Long enough for a neighbour: who is asked in vain takes as long. */
const WAIT_MS = 300;

const NONE_LEFT: Ask = {
  kind: 'not-asked',
  reason: 'no probe has left: its program wrote, or changed its keepalive, meanwhile',
};

const DEAD_PID = spawnSync('true').pid;

function request(changes: Partial<AskRequest> = {}): AskRequest {
  return {
    waitMs: WAIT_MS,
    undo: { append: () => undefined, close: () => undefined },
    interruption: interruptible().signal,
    onAsked: () => undefined,
    ...changes,
  };
}

/** As a survey of this process would have it. */
function connectionTo({ fd, local, remote }: RealEnd): Connection {
  return connectionOf({
    local,
    peer: remote,
    process: { pid: process.pid, name: 'node', fd },
    cookie: kernel.cookie(fd) ?? null,
    namespace: kernel.networkNamespace(process.pid)?.id ?? '',
  });
}

/** An end that the other one cannot be heard by, and that hears nothing. */
async function cutEnd(): Promise<RealEnd> {
  const { observer, peer } = await openPair();
  kernel.cut(peer.fd, engine);
  return observer;
}

function silenceOf({ fd }: RealEnd): number {
  const info = kernel.tcpInfo(fd);
  return Math.min(info?.lastAckReceivedMs ?? 0, info?.lastDataReceivedMs ?? 0);
}

/** Resolves in the middle of an ask. */
async function areAsked(...ends: readonly RealEnd[]): Promise<void> {
  await until(() => ends.every(({ fd }) => sameValues(kernel.optionValues(fd), ASKING)), SOON_MS);
}

async function answerOf(end: RealEnd, changes: Partial<AskRequest> = {}): Promise<Ask | undefined> {
  const connection = connectionTo(end);
  const { answers } = await ask(kernel, [connection], request(changes));
  return answers.get(connection);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-ask-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe.skipIf(cannotAsk)('asked on the running kernel (needs pidfd, a drop)', () => {
  it('a living peer answers', { timeout: TEST_MS }, async () => {
    const { observer } = await openPair();
    await until(() => silenceOf(observer) > 1100, SOON_MS);
    expect(await answerOf(observer)).toEqual({ kind: 'answers' });
    expect(kernel.tcpInfo(observer.fd)?.state).toBe('ESTABLISHED');
  });

  it('one that is gone is silent, and stays open', { timeout: TEST_MS }, async () => {
    const end = await cutEnd();
    await until(() => silenceOf(end) > 1100, SOON_MS);
    expect(await answerOf(end)).toEqual({ kind: 'silent' });
    expect(kernel.tcpInfo(end.fd)?.state).toBe('ESTABLISHED');
  });

  it('both ways after less than a second of silence: the kernel waits for that', async () => {
    const [{ observer }, cut] = await Promise.all([openPair(), cutEnd()]);
    const answers = await Promise.all([answerOf(observer), answerOf(cut)]);
    expect(answers).toEqual([{ kind: 'answers' }, { kind: 'silent' }]);
  });

  it('somebody who talks all the time answers without being asked', async () => {
    const { observer, peer } = await openPair();
    observer.socket.resume();
    const talking = setInterval(() => peer.socket.write('a'), 100);
    onTestFinished(() => clearInterval(talking));
    expect(await answerOf(observer)).toEqual({ kind: 'answers' });
  });

  it('IPv6, and IPv4 on a dual-stack socket', { timeout: TEST_MS }, async () => {
    const pairs = await Promise.all([openPair('::1'), openPair('::', '127.0.0.1')]);
    expect(await Promise.all(pairs.map(({ observer }) => answerOf(observer)))).toEqual([
      { kind: 'answers' },
      { kind: 'answers' },
    ]);
  });

  it('options come back to the letter, those not in force too', async () => {
    const [{ observer }, cut] = await Promise.all([openPair(), cutEnd()]);
    const userTimeout = { ...TUNED, userTimeoutMs: 123_456 };
    kernel.setOptionValues(observer.fd, TUNED);
    kernel.setOptionValues(cut.fd, userTimeout);
    const asked = Promise.all([answerOf(observer), answerOf(cut)]);
    await areAsked(observer, cut);
    await asked;
    expect(kernel.optionValues(observer.fd)).toEqual(TUNED);
    expect(kernel.optionValues(cut.fd)).toEqual(userTimeout);
    expect(kernel.socketDiag(cut.local, cut.remote)?.timer).toEqual({
      kind: 'none',
      expiresInMs: null,
    });
  });

  it('again and again closes nothing: an unanswered probe still counts with a user timeout', async () => {
    const end = await cutEnd();
    kernel.setUserTimeout(end.fd, 1);
    await until(() => silenceOf(end) > 1100, SOON_MS);
    for (let asked = 1; asked <= 3; asked++) {
      expect(await answerOf(end, { waitMs: 200 })).toEqual({ kind: 'silent' });
      expect(kernel.tcpInfo(end.fd)).toMatchObject({ state: 'ESTABLISHED', probes: asked });
    }
  });

  it('Ctrl-C in the middle puts back at once, and nobody is called dead', async () => {
    const [{ observer }, cut] = await Promise.all([openPair(), cutEnd()]);
    kernel.setOptionValues(cut.fd, TUNED);
    await until(() => silenceOf(observer) > 1100 && silenceOf(cut) > 1100, SOON_MS);
    const controller = interruptible();
    const [living, gone] = [observer, cut].map((end) => connectionTo(end));
    if (living === undefined || gone === undefined) throw new Error('no connections');
    const told: (readonly [asked: number, of: number])[] = [];
    const asking = ask(
      kernel,
      [living, gone],
      request({
        waitMs: 10 * SOON_MS,
        interruption: controller.signal,
        onAsked: (...counts) => told.push(counts),
      }),
    );
    const heardBefore = kernel.tcpInfo(observer.fd)?.segmentsIn ?? 0;
    await areAsked(cut);
    await until(() => (kernel.tcpInfo(observer.fd)?.segmentsIn ?? 0) > heardBefore, SOON_MS);
    controller.abort();
    const { answers } = await asking;
    expect(answers.get(living)).toEqual({ kind: 'answers' });
    expect(answers.get(gone)).toEqual({ kind: 'not-asked', reason: 'interrupted' });
    expect(told).toEqual([[1, 2]]);
    expect(kernel.optionValues(cut.fd)).toEqual(TUNED);
  });

  it('Ctrl-C before it begins asks nobody', async () => {
    const { observer } = await openPair();
    const controller = interruptible();
    controller.abort();
    expect(await answerOf(observer, { interruption: controller.signal })).toEqual({
      kind: 'not-asked',
      reason: 'interrupted',
    });
    expect(kernel.optionValues(observer.fd).keepalive).toBe(false);
  });

  it('a program that closes in the middle has ended it', async () => {
    const { observer } = await openPair();
    const asking = answerOf(observer);
    await areAsked(observer);
    observer.socket.destroy();
    expect(await asking).toEqual({ kind: 'ended' });
  });

  it('a peer that answers with a reset has ended it', { timeout: TEST_MS }, async () => {
    const { observer, peer } = await openPair();
    await until(() => silenceOf(observer) > 1100, SOON_MS);
    // It closes, we do not hear of it, and then we ask whom it has forgotten.
    kernel.cut(observer.fd, engine);
    peer.socket.resetAndDestroy();
    await until(() => kernel.socketDiag(peer.local, peer.remote) === undefined, SOON_MS);
    kernel.heal(observer.fd, engine);
    expect(await answerOf(observer)).toEqual({ kind: 'ended' });
  });

  it('a connection that another process goes on with is put back there', async () => {
    const { observer, peer } = await openPair();
    kernel.setOptionValues(observer.fd, TUNED);
    const connection = connectionTo(observer);
    const asking = ask(kernel, [connection], request());
    await areAsked(observer);
    const heir = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', observer.socket] });
    onTestFinished(() => void heir.kill('SIGKILL'));
    await once(heir, 'spawn');
    observer.socket.destroy();
    const { answers, leftChanged } = await asking;
    expect([answers.get(connection), leftChanged]).toEqual([{ kind: 'answers' }, 0]);
    expect(peer.socket.readyState).toBe('open');
    const values = kernel.withProcess(heir.pid ?? 0, (borrow) =>
      borrow(3, (fd) => kernel.optionValues(fd)),
    );
    expect(values).toEqual(TUNED);
  });

  it('a connection whose supposed holder had only borrowed it is asked where it is', async () => {
    const { observer } = await openPair();
    const borrowed = { pid: process.ppid, name: 'another tcpalive', fd: 4321 };
    const connection = { ...connectionTo(observer), process: borrowed };
    const { answers } = await ask(kernel, [connection], request());
    expect(answers.get(connection)).toEqual({ kind: 'answers' });
  });

  it('a program that writes in the middle is not called dead for that', async () => {
    const end = await cutEnd();
    const asking = answerOf(end, { waitMs: 100 });
    await areAsked(end);
    end.socket.write('hello');
    expect(await asking).toEqual(NONE_LEFT);
  });

  it('what its program sets in the middle is its own', async () => {
    const { observer } = await openPair();
    const asking = answerOf(observer);
    await areAsked(observer);
    const own = { idleSeconds: 60, intervalSeconds: 10, count: 6 };
    kernel.setKeepalive(observer.fd, own);
    expect(await asking).toEqual(NONE_LEFT);
    expect(kernel.optionValues(observer.fd)).toEqual({
      ...own,
      keepalive: true,
      userTimeoutMs: 0,
    });
  });
});

describe('asking', () => {
  /** A process with one socket by each descriptor. */
  interface Fake {
    values: OptionValues;
    info: Partial<TcpInfo>;
    refuses?: 'borrow' | 'set';
    answers?: boolean;
    /** At one look after the other; then, and by default, open. */
    ways?: WayOut[];
  }

  const QUIET = { state: 'ESTABLISHED', probes: 0, segmentsIn: 7, lastAckReceivedMs: 60_000 };
  const HEARD = { lastDataReceivedMs: 60_000 };
  const OPEN: WayOut = { kind: 'open', link: '2 1' };

  function fake(changes: Partial<Fake> = {}): Fake {
    return { values: TUNED, info: { ...QUIET, ...HEARD }, ...changes };
  }

  function kernelWith(sockets: readonly Fake[], onSet: () => void = () => undefined): Kernel {
    const at = (fd: number) => {
      const socket = sockets[fd];
      if (socket === undefined) throw new KernelRefusal('pidfd_getfd', 9);
      return socket;
    };
    return {
      ...portableKernel,
      withProcess: (_, work) =>
        work((fd, use) => {
          if (at(fd).refuses === 'borrow') throw new KernelRefusal('pidfd_getfd', 1);
          return use(fd);
        }),
      cookie: (fd) => `c${fd}`,
      waysOut: (asked) =>
        asked.map(({ cookie }) => at(Number(cookie?.slice(1))).ways?.shift() ?? OPEN),
      tcpInfo: (fd) => at(fd).info as TcpInfo,
      optionValues: (fd) => at(fd).values,
      setOptionValues: (fd, values) => {
        const socket = at(fd);
        onSet();
        if (socket.refuses === 'set' && values.keepalive) {
          socket.values = { ...socket.values, intervalSeconds: values.intervalSeconds };
          throw new KernelRefusal('setsockopt(6, 4)', 1);
        }
        // The kernel's part: a probe.
        const counted = socket.answers === true ? 'segmentsIn' : 'probes';
        if (values.keepalive) {
          socket.info = { ...socket.info, [counted]: (socket.info[counted] ?? 0) + 1 };
        }
        socket.values = values;
      },
    };
  }

  const connection = (fd: number) =>
    connectionOf({ process: { pid: 812, name: 'nginx', fd }, cookie: `c${fd}` });

  async function answersOf(
    sockets: readonly Fake[],
    changes: Partial<AskRequest> = {},
  ): Promise<readonly (Ask | undefined)[]> {
    const connections = sockets.map((_, fd) => connection(fd));
    const { answers } = await ask(
      kernelWith(sockets),
      connections,
      request({ waitMs: 1, ...changes }),
    );
    return connections.map((each) => answers.get(each));
  }

  it('leaves alone what has a timer, what is not meant, and what nobody holds', async () => {
    const meant = [
      connectionOf({ process: null }),
      connectionOf({ cookie: null }),
      connectionOf({ fate: armed }),
      connectionOf({ cookie: 'not this one' }),
    ];
    const { answers } = await ask(
      portableKernel,
      meant,
      request({ only: ({ cookie }) => cookie !== 'not this one' }),
    );
    const refused = {
      kind: 'not-asked',
      reason: 'no process that this user may look into holds it',
    };
    expect(meant.map((each) => answers.get(each))).toEqual([
      refused,
      refused,
      undefined,
      undefined,
    ]);
  });

  it('says what was refused, and puts back what was half done', async () => {
    const sockets = [fake({ refuses: 'borrow' }), fake({ refuses: 'set' }), fake()];
    expect(await answersOf(sockets)).toEqual([
      { kind: 'not-asked', reason: 'pidfd_getfd: EPERM' },
      { kind: 'not-asked', reason: 'setsockopt(6, 4): EPERM' },
      { kind: 'silent' },
    ]);
    expect(sockets.map(({ values }) => values)).toEqual([TUNED, TUNED, TUNED]);
  });

  it('does not touch who cannot be reached, and says why', async () => {
    const reason = 'eth0 has no carrier';
    const happened: number[] = [];
    const sockets = [fake({ ways: [{ kind: 'shut', link: null, reason }] }), fake()];
    const undo: UndoFile = {
      append: (entries) => void happened.push(...entries.map(({ fd }) => fd)),
      close: () => undefined,
    };
    expect(await answersOf(sockets, { undo })).toEqual([
      { kind: 'no-way-out', reason },
      { kind: 'silent' },
    ]);
    expect(happened).toEqual([1]);
    expect(sockets[0]?.info.probes).toBe(0);
  });

  it('calls nobody silent whom the probe cannot have reached, and answers count whatever happened', async () => {
    const lost: WayOut = { kind: 'shut', link: null, reason: 'eth0 has no carrier' };
    const router: WayOut = { kind: 'shut', link: '2 1', reason: 'the router is silent' };
    const asking: WayOut = { kind: 'unsettled', link: '2 1' };
    expect(
      await answersOf([
        fake({ ways: [OPEN, lost] }),
        fake({ ways: [OPEN, { ...OPEN, link: '2 3' }] }),
        fake({ ways: [router, router] }),
        // What had waited for it may have been given up before it came back.
        fake({ ways: [router, OPEN] }),
        // While it is being asked, what is sent goes on, and it may still answer.
        fake({ ways: [asking, asking, OPEN] }),
        fake({ ways: [asking, asking, router] }),
        fake({ ways: [OPEN, lost], answers: true }),
      ]),
    ).toEqual([
      { kind: 'no-way-out', reason: 'eth0 has no carrier' },
      { kind: 'no-way-out', reason: 'its way out was another one meanwhile' },
      { kind: 'no-way-out', reason: 'the router is silent' },
      { kind: 'no-way-out', reason: 'the router is silent' },
      { kind: 'silent' },
      { kind: 'no-way-out', reason: 'the router is silent' },
      { kind: 'answers' },
    ]);
  });

  it('leaves what another one asks just now: those are not its options', async () => {
    const sockets = [fake({ values: ASKING })];
    expect(await answersOf(sockets)).toEqual([
      { kind: 'not-asked', reason: 'its keepalive was turned on meanwhile' },
    ]);
    expect(sockets[0]?.values).toEqual(ASKING);
  });

  it('does not send the probe that would be the last', async () => {
    const asked = (probes: number) => fake({ info: { ...QUIET, ...HEARD, probes } });
    expect(await answersOf([asked(126), asked(127)])).toEqual([
      { kind: 'silent' },
      {
        kind: 'not-asked',
        reason: 'it has left 127 probes unanswered, and one more would end it',
      },
    ]);
  });

  it('has everything on record before the first is changed', async () => {
    const happened: string[] = [];
    const undo: UndoFile = {
      append: (entries) => void happened.push(`recorded ${entries.length}`),
      close: () => undefined,
    };
    const sockets = [fake(), fake()];
    const connections = sockets.map((_, fd) => connection(fd));
    await ask(
      kernelWith(sockets, () => happened.push('set')),
      connections,
      request({ waitMs: 1, undo }),
    );
    expect(happened).toEqual(['recorded 2', 'set', 'set', 'set', 'set']);
  });

  it('changes nothing without a record, and puts back what others had changed by then', async () => {
    const sockets = Array.from({ length: 150 }, () => fake());
    let batches = 0;
    const undo: UndoFile = {
      append: () => {
        if (++batches > 1) throw new TcpaliveError('NO_CAPABILITY', 'the disk is full');
      },
      close: () => undefined,
    };
    await expect(answersOf(sockets, { undo, waitMs: 200 })).rejects.toThrow('the disk is full');
    expect(sockets.every(({ values }) => values === TUNED || values.count === 5)).toBe(true);
    expect(sockets.slice(100).every(({ values }) => values === TUNED)).toBe(true);
    expect(sockets.map(({ values }) => values)).toEqual(sockets.map(() => TUNED));
  });

  it('sends a hundred at a time, and says how far it is', async () => {
    const told: string[] = [];
    const sockets = Array.from({ length: 250 }, () => fake());
    await answersOf(sockets, { onAsked: (asked, of) => told.push(`${asked}/${of}`) });
    expect(told).toEqual(['100/250', '200/250', '250/250']);
  });

  it('a refusal at the end is what its record is kept for', async () => {
    const socket = fake();
    const refusing = kernelWith([socket], () => (socket.refuses = 'borrow'));
    const { leftChanged } = await ask(refusing, [connection(0)], request({ waitMs: 1 }));
    expect(leftChanged).toBe(1);
  });
});

describe('what is put back', () => {
  it.each([
    ['all of ours', ASKING, TUNED],
    ['a kill after the first', { ...TUNED, keepalive: true, intervalSeconds: 32_767 }, TUNED],
    ['a kill on the way back', { ...ASKING, keepalive: false, intervalSeconds: 13 }, TUNED],
    ['nothing of ours', TUNED, TUNED],
    [
      'nothing of ours, and turned on',
      { ...TUNED, keepalive: true },
      { ...TUNED, keepalive: true },
    ],
    [
      'other times of its program, and the rest',
      { ...ASKING, idleSeconds: 60, userTimeoutMs: 9 },
      { ...TUNED, keepalive: true, idleSeconds: 60, userTimeoutMs: 9 },
    ],
  ])('%s', (_, now, expected) => {
    expect(valuesToPutBack(now, TUNED)).toEqual(expected);
  });

  it('where it was as an ask leaves it', () => {
    const before = { ...ASKING, keepalive: false };
    expect(valuesToPutBack(ASKING, before)).toEqual(before);
  });
});

describe.skipIf(cannotAsk)('askAbout', () => {
  it('gives the survey its answers, and leaves no record', { timeout: TEST_MS }, async () => {
    const [{ observer }, cut] = await Promise.all([openPair(), cutEnd()]);
    const state = folder();
    const told: string[] = [];
    let recorded = '';
    const asking = askAbout(kernel, surveyOf([connectionTo(observer), connectionTo(cut)]), {
      waitMs: WAIT_MS,
      variables: { XDG_STATE_HOME: state },
      interruption: interruptible().signal,
      tell: (line) => told.push(line),
    });
    await areAsked(observer, cut);
    for (const name of readdirSync(join(state, 'tcpalive'))) {
      recorded += readFileSync(join(state, 'tcpalive', name), 'utf8');
    }
    const survey = await asking;
    expect(survey.complete).toBe(true);
    const answers = new Map(survey.connections.map(({ cookie, ask: { kind } }) => [cookie, kind]));
    expect(answers.get(kernel.cookie(observer.fd) ?? '')).toBe('answers');
    expect(answers.get(kernel.cookie(cut.fd) ?? '')).toBe('silent');
    expect(recorded.split('\n')).toHaveLength(1 + 2 + 1);
    expect(readdirSync(join(state, 'tcpalive'))).toEqual([]);
    expect(told).toEqual(['asked 2 of 2']);
  });

  it('writes nothing where there is nobody to ask', async () => {
    const state = folder();
    await askAbout(
      kernel,
      surveyOf([connectionOf({ fate: armed }), connectionOf({ process: null })]),
      {
        waitMs: 1,
        variables: { XDG_STATE_HOME: state },
        interruption: interruptible().signal,
        tell: () => undefined,
      },
    );
    expect(readdirSync(state)).toEqual([]);
  });

  it('interrupted, it is not complete', async () => {
    const controller = interruptible();
    controller.abort();
    const survey = await askAbout(kernel, surveyOf([connectionOf()]), {
      waitMs: 1,
      variables: { XDG_STATE_HOME: folder() },
      interruption: controller.signal,
      tell: () => undefined,
    });
    expect(survey.complete).toBe(false);
  });
});

describe.skipIf(cannotAsk)('what a killed ask has left', () => {
  const header = (bootId: string | null) =>
    undoLine({ schema: 'tcpalive/undo/1', createdAt: '2026-11-20T14:02:07.123Z', bootId });

  function entryOf({ fd, local, remote }: RealEnd, values: OptionValues): UndoEntry {
    const cookie = kernel.cookie(fd) ?? '';
    return { pid: process.pid, fd, cookie, local, peer: remote, values };
  }

  /** What is left of the records, and what was told. */
  function putBackFrom(
    records: Readonly<Record<string, string>>,
    work = putBackLeftovers,
  ): { readonly left: readonly string[]; readonly told: readonly string[] } {
    const state = folder();
    mkdirSync(join(state, 'tcpalive'));
    for (const [name, text] of Object.entries(records)) {
      writeFileSync(join(state, 'tcpalive', name), text);
    }
    const told: string[] = [];
    work(kernel, { XDG_STATE_HOME: state }, (line) => told.push(line.replace(state, 'STATE')));
    return { left: readdirSync(join(state, 'tcpalive')), told };
  }

  const NAME = `ask-${DEAD_PID}-12345.jsonl`;

  it('is put back, and its record is gone', async () => {
    const { observer, peer } = await openPair();
    kernel.setOptionValues(observer.fd, ASKING);
    const text = header(thisBoot()) + undoLine(entryOf(observer, TUNED));
    const untouched = undoLine(entryOf(peer, kernel.optionValues(peer.fd)));
    expect(putBackFrom({ [NAME]: text + untouched })).toEqual({
      left: [],
      told: ['put back the options of 1 that an interrupted ask had left changed'],
    });
    expect(kernel.optionValues(observer.fd)).toEqual(TUNED);
  });

  it('is told of to those who only look', async () => {
    const { observer } = await openPair();
    kernel.setOptionValues(observer.fd, ASKING);
    const text = header(thisBoot()) + undoLine(entryOf(observer, TUNED));
    expect(putBackFrom({ [NAME]: text }, tellOfLeftovers)).toEqual({
      left: [NAME],
      told: ['an interrupted ask has left options changed: tcpalive ls --ask puts them back'],
    });
    expect(kernel.optionValues(observer.fd)).toEqual(ASKING);
  });

  it('does not undo what was set since, by its program or by protect', async () => {
    const { observer } = await openPair();
    const protectedValues = { ...TUNED, keepalive: true, idleSeconds: 60, userTimeoutMs: 120_000 };
    kernel.setOptionValues(observer.fd, protectedValues);
    const text = header(thisBoot()) + undoLine(entryOf(observer, TUNED));
    expect(putBackFrom({ [NAME]: text })).toEqual({ left: [], told: [] });
    expect(kernel.optionValues(observer.fd)).toEqual(protectedValues);
  });

  it('is somebody else’s while that ask is under way', () => {
    const parent = process.ppid;
    const name = `ask-${parent}-${kernel.processFacts(parent)?.startedAtTicks}.jsonl`;
    expect(putBackFrom({ [name]: header(thisBoot()) })).toEqual({ left: [name], told: [] });
    expect(putBackFrom({ [name]: header(thisBoot()) }, tellOfLeftovers).told).toEqual([]);
  });

  it('is nobody’s once its process number was given away again', () => {
    const name = `ask-${process.ppid}-1.jsonl`;
    expect(putBackFrom({ [name]: header(thisBoot()) })).toEqual({ left: [], told: [] });
  });

  it('is nothing after a restart of the machine, or where nothing was changed yet', () => {
    const records = { [NAME]: header('of another day'), [`ask-${DEAD_PID}-2.jsonl`]: '{"sch' };
    expect(putBackFrom(records)).toEqual({ left: [], told: [] });
  });

  it('that cannot be read is told, kept, and in nobody’s way', () => {
    expect(putBackFrom({ [NAME]: `${header(thisBoot())}hello\n`, 'notes.txt': '' })).toEqual({
      left: [NAME, 'notes.txt'],
      told: [
        `cannot put back what an interrupted ask had left changed: STATE/tcpalive/${NAME}:2: this is not a socket with its old values`,
      ],
    });
  });

  it('of a socket that is gone is nothing', async () => {
    const { observer } = await openPair();
    const entry = { ...entryOf(observer, TUNED), cookie: 'ffffffff' };
    kernel.setOptionValues(observer.fd, ASKING);
    const records = { [NAME]: header(thisBoot()) + undoLine(entry) };
    expect(putBackFrom(records)).toEqual({ left: [], told: [] });
    expect(putBack(kernel, observer.fd, TUNED)).toBe(true);
    expect(putBack(kernel, observer.fd, TUNED)).toBe(false);
  });
});
