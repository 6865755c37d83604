import { describe, expect, it } from 'vitest';
import { isGoodbye, probeVerdict, type SeenOfPeer } from '../../src/core/probe-verdict.js';
import { addMs, instantAt } from '../../src/core/time.js';

const openedAt = instantAt(1000);
const endedAt = instantAt(9000);

const beating = { heartbeat: { intervalMs: 1000, timeoutMs: 3000 } };

/** Given up by the heartbeat at 9000, three seconds after the last byte; until told otherwise. */
function verdictOn(changes: Partial<SeenOfPeer> = {}) {
  const seen: SeenOfPeer = {
    mode: beating,
    by: 'heartbeat',
    openedAt,
    endedAt,
    detail: undefined,
    silentMs: 3000,
    kernelHeardAt: addMs(endedAt, -3000),
    answeredBeats: 5,
    firstUnansweredAt: instantAt(7000),
    cut: false,
    ...changes,
  };
  return probeVerdict(seen, (at) => `at ${at}`);
}

describe('isGoodbye', () => {
  it('is what the peer announced, not what had to be noticed', () => {
    expect(['FIN', 'ECONNRESET', 'EPIPE', 'violation'].every(isGoodbye)).toBe(true);
    expect(
      ['ETIMEDOUT', 'EHOSTUNREACH', 'heartbeat', 'idle-timeout', 'local', ''].some(isGoodbye),
    ).toBe(false);
  });
});

describe('a peer that fell silent', () => {
  it('is dead, with everything that is known about when', () => {
    expect(verdictOn()).toEqual({
      kind: 'dead',
      by: 'heartbeat',
      lastHeardAt: 'at 6000',
      firstUnansweredAt: 'at 7000',
      noticedAt: 'at 9000',
      silentMs: 3000,
      where: 'kernel',
    });
  });

  it('is dead without one unanswered beat too', () => {
    expect(verdictOn({ firstUnansweredAt: undefined })).toMatchObject({
      kind: 'dead',
      firstUnansweredAt: null,
    });
  });
});

describe('who fell silent', () => {
  it.each<[string, Partial<SeenOfPeer>, string]>([
    ['the kernel, when it was heard last with the last byte', {}, 'kernel'],
    ['the kernel, when an errno tells', { by: 'ETIMEDOUT' }, 'kernel'],
    [
      'the kernel, when an errno tells and its acknowledgements do not',
      { by: 'EHOSTUNREACH', kernelHeardAt: undefined },
      'kernel',
    ],
    ['the process, when its kernel has just acknowledged', { kernelHeardAt: endedAt }, 'process'],
    ['nobody knows, where the kernel does not tell', { kernelHeardAt: undefined }, 'unknown'],
    [
      'nobody knows, where nothing was sent that could be acknowledged',
      { mode: { idleTimeoutMs: 3000 }, by: 'idle-timeout', kernelHeardAt: endedAt },
      'unknown',
    ],
  ])('%s', (_, changes, where) => {
    expect(verdictOn(changes)).toMatchObject({ kind: 'dead', where });
  });

  it('an acknowledgement up to half a beat after the last byte is of the last answer', () => {
    const heardAfterByte = (ms: number) => ({ kernelHeardAt: addMs(endedAt, -3000 + ms) });
    expect(verdictOn(heardAfterByte(499))).toMatchObject({ where: 'kernel' });
    expect(verdictOn(heardAfterByte(500))).toMatchObject({ where: 'kernel' });
    expect(verdictOn(heardAfterByte(501))).toMatchObject({ where: 'process' });
  });

  it('with shorter beats it is sooner', () => {
    const mode = { heartbeat: { intervalMs: 200, timeoutMs: 1000 } };
    const heardAfterByte = (ms: number) => ({ mode, kernelHeardAt: addMs(endedAt, -3000 + ms) });
    expect(verdictOn(heardAfterByte(100))).toMatchObject({ where: 'kernel' });
    expect(verdictOn(heardAfterByte(101))).toMatchObject({ where: 'process' });
  });
});

describe('since when', () => {
  it("a kernel's acknowledgements count as life of a kernel", () => {
    expect(verdictOn({ by: 'ETIMEDOUT', kernelHeardAt: instantAt(6400) })).toMatchObject({
      where: 'kernel',
      lastHeardAt: 'at 6400',
      silentMs: 2600,
    });
  });

  it('what the kernel heard before the last byte says nothing new', () => {
    expect(verdictOn({ by: 'ETIMEDOUT', kernelHeardAt: instantAt(5000) })).toMatchObject({
      lastHeardAt: 'at 6000',
      silentMs: 3000,
    });
  });

  it('without its acknowledgements it is the last byte', () => {
    expect(verdictOn({ by: 'ETIMEDOUT', kernelHeardAt: undefined })).toMatchObject({
      lastHeardAt: 'at 6000',
      silentMs: 3000,
    });
  });

  it("a kernel's acknowledgements are no life of its process", () => {
    expect(verdictOn({ kernelHeardAt: endedAt })).toMatchObject({
      where: 'process',
      lastHeardAt: 'at 6000',
      silentMs: 3000,
    });
  });
});

describe('a peer that said goodbye', () => {
  it.each(['FIN', 'ECONNRESET', 'EPIPE', 'violation'])('by %s was not noticed', (by) => {
    expect(verdictOn({ by })).toEqual({ kind: 'closed', by, afterMs: 8000, detail: null });
  });

  it('in a mode without beats too', () => {
    expect(verdictOn({ mode: {}, by: 'FIN', answeredBeats: 0 })).toEqual({
      kind: 'closed',
      by: 'FIN',
      afterMs: 8000,
      detail: null,
    });
  });
});

describe('a peer that never answered one beat', () => {
  it.each(['heartbeat', 'FIN', 'ECONNRESET', 'violation'])(
    'may speak another language, ended by %s',
    (by) => {
      expect(verdictOn({ by, answeredBeats: 0 })).toEqual({
        kind: 'no-answer',
        by,
        afterMs: 8000,
        detail: null,
      });
    },
  );

  it('is told with what it said instead', () => {
    const detail = 'looks like HTTP';
    expect(verdictOn({ by: 'violation', answeredBeats: 0, detail })).toMatchObject({ detail });
    expect(verdictOn({ by: 'violation', detail })).toMatchObject({ kind: 'closed', detail });
  });

  it('is dead after one', () => {
    expect(verdictOn({ answeredBeats: 1 })).toMatchObject({ kind: 'dead' });
  });

  it('is dead when it was cut', () => {
    expect(verdictOn({ answeredBeats: 0, cut: true })).toMatchObject({ kind: 'dead' });
  });

  it('is dead in a mode that sends no beats', () => {
    const seen = { mode: { keepalive: 'system' }, by: 'ETIMEDOUT', answeredBeats: 0 } as const;
    expect(verdictOn(seen)).toMatchObject({ kind: 'dead', where: 'kernel' });
  });
});
