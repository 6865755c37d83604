import { describe, expect, it } from 'vitest';
import { isGreetedLate } from '../../src/audit/greeting.js';
import type { VanishEvent, VanishLog } from '../../src/core/vanish-log.js';
import { recorded } from './recorded.js';

function logOf(events: readonly VanishEvent[], watchedMs: number): VanishLog {
  return {
    engine: 'goodbye-filter',
    load: 'idle',
    rttMs: 0,
    lastWordWithinMs: { quiet: 20, vanished: 20 },
    liftedAtMs: null,
    watchedMs,
    events,
  };
}

const said = (atMs: number): VanishEvent => ({
  connection: 'quiet',
  kind: 'data',
  atMs,
  withinMs: 10,
});

/** As it was known that long after the silence began. */
function asOf(name: string, watchedMs: number): VanishLog {
  const log = recorded.get(name)?.log;
  if (log === undefined) throw new Error(`no fixtures/vanish/${name}.json`);
  const events = log.events.filter(({ atMs }) => atMs <= watchedMs);
  return { ...log, liftedAtMs: null, watchedMs, events };
}

const nobody = { quiet: false, vanished: false };
const both = { quiet: true, vanished: true };

describe('a greeting', () => {
  it('that came to the quiet one after its silence had begun was late, once no goodbye follows', () => {
    const late = (watchedMs: number) =>
      isGreetedLate({ log: logOf([said(400)], watchedMs), wasGreeted: nobody });
    expect(late(650)).toBe(false);
    expect(late(651)).toBe(true);
  });

  it('that one of the two had heard before was late for the other', () => {
    const log = logOf([], 1);
    expect(isGreetedLate({ log, wasGreeted: { quiet: true, vanished: false } })).toBe(true);
    expect(isGreetedLate({ log, wasGreeted: { quiet: false, vanished: true } })).toBe(true);
  });

  it('was late wherever a busy host kept sshd from saying it', () => {
    const hidden = asOf('greeted-late-hidden', 600);
    expect(isGreetedLate({ log: hidden, wasGreeted: nobody })).toBe(true);
    const probed = asOf('greeted-late-probed', 300);
    expect(isGreetedLate({ log: probed, wasGreeted: { ...nobody, vanished: true } })).toBe(true);
    const closed = asOf('greeted-late-closed', 300);
    expect(isGreetedLate({ log: closed, wasGreeted: { ...nobody, quiet: true } })).toBe(true);
  });

  it('is none where nothing came, or both had been greeted', () => {
    expect(isGreetedLate({ log: logOf([], 60_000), wasGreeted: nobody })).toBe(false);
    expect(isGreetedLate({ log: logOf([], 60_000), wasGreeted: both })).toBe(false);
    expect(isGreetedLate({ log: logOf([said(400)], 60_000), wasGreeted: both })).toBe(false);
  });

  it('is none under load, so long after the silence began, or right before a goodbye', () => {
    const load = { ...logOf([said(400)], 60_000), load: 'write' } as const;
    expect(isGreetedLate({ log: load, wasGreeted: nobody })).toBe(false);
    expect(isGreetedLate({ log: logOf([said(10_000)], 60_000), wasGreeted: nobody })).toBe(true);
    expect(isGreetedLate({ log: logOf([said(10_001)], 60_000), wasGreeted: nobody })).toBe(false);
    const goodbye: VanishEvent = { ...said(640), kind: 'fin' };
    const log = logOf([said(400), goodbye], 60_000);
    expect(isGreetedLate({ log, wasGreeted: nobody })).toBe(false);
  });
});
