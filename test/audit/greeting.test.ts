import { describe, expect, it } from 'vitest';
import { greeting, type Greeting } from '../../src/audit/greeting.js';
import type { VanishEvent, VanishLog } from '../../src/core/vanish-log.js';
import { logOf } from './logs.js';
import { recorded } from './recorded.js';

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

/** After the quiet one was watched as long as the vanished one. */
function known(log: VanishLog, wasGreeted = nobody, quietMs = log.watchedMs): Greeting {
  return greeting({ log, quietMs, wasGreeted });
}

describe('a greeting', () => {
  it('that came to the quiet one after its silence had begun was late, once no goodbye follows', () => {
    expect(known(logOf([said(400)], { watchedMs: 650 }))).toBe('pending');
    expect(known(logOf([said(400)], { watchedMs: 651 }))).toBe('late');
  });

  it('that one of the two had heard before was late for the other', () => {
    const log = logOf([], { watchedMs: 1 });
    expect(known(log, { quiet: true, vanished: false })).toBe('late');
    expect(known(log, { quiet: false, vanished: true })).toBe('late');
  });

  it('was late wherever a busy host kept sshd from saying it', () => {
    expect(known(asOf('greeted-late-hidden', 600))).toBe('late');
    expect(known(asOf('greeted-late-probed', 300), { ...nobody, vanished: true })).toBe('late');
    expect(known(asOf('greeted-late-closed', 300), { ...nobody, quiet: true })).toBe('late');
  });

  it('is none where both had been greeted', () => {
    expect(known(logOf([], { watchedMs: 1 }), both)).toBe('none');
    expect(known(logOf([said(400)]), both)).toBe('none');
  });

  it('is none any more where nothing came to the quiet one for so long', () => {
    const log = logOf([], { watchedMs: 60_000 });
    expect(known(log, nobody, 10_000)).toBe('pending');
    expect(known(log, nobody, 10_001)).toBe('none');
  });

  it('is none under load, so long after the silence began, or right before a goodbye', () => {
    expect(known(logOf([said(400)], { load: 'write' }))).toBe('none');
    expect(known(logOf([said(10_000)]))).toBe('late');
    expect(known(logOf([said(10_001)]))).toBe('none');
    expect(known(logOf([said(400), { ...said(640), kind: 'fin' }]))).toBe('none');
  });
});
