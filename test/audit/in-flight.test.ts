import { describe, expect, it } from 'vitest';
import { inFlight } from '../../src/audit/in-flight.js';
import type { VanishEvent } from '../../src/core/vanish-log.js';

function seen(watchedMs: number, ...times: readonly number[]) {
  const events = times.map((atMs): VanishEvent => ({
    connection: 'vanished',
    kind: 'swallowed',
    atMs,
    withinMs: 10,
  }));
  return { events, watchedMs, rttMs: 0 };
}

describe('an answer is in flight', () => {
  it('when it comes again within a second', () => {
    expect(inFlight(seen(300, 5, 215))).toBe('yes');
    expect(inFlight(seen(1000, 5, 905))).toBe('yes');
  });

  it('not when it came once, or in pieces: somebody has acknowledged it', () => {
    expect(inFlight(seen(905, 5))).toBe('acknowledged');
    expect(inFlight(seen(904, 5))).toBe('pending');
    expect(inFlight(seen(2000, 5, 6, 30))).toBe('acknowledged');
  });

  it('not when what comes a second later is a keepalive probe', () => {
    expect(inFlight(seen(3000, 5, 1010, 2020))).toBe('acknowledged');
  });

  it('not when nothing comes for so long', () => {
    expect(inFlight(seen(9999))).toBe('pending');
    expect(inFlight(seen(10_000))).toBe('no-answer');
  });

  it('as late as the path is long', () => {
    expect(inFlight({ ...seen(1200, 5, 1205), rttMs: 100 })).toBe('yes');
  });

  it('whatever the quiet one hears', () => {
    const { events, ...log } = seen(10_000, 5, 215);
    const quiet = events.map((event) => ({ ...event, connection: 'quiet' as const }));
    expect(inFlight({ ...log, events: quiet })).toBe('no-answer');
  });
});
