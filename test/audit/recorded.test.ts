import { describe, expect, it } from 'vitest';
import { infer, unansweredFor } from '../../src/audit/inference.js';
import type { VanishLog } from '../../src/core/vanish-log.js';
import { recorded } from './recorded.js';

function log(name: string): VanishLog {
  const found = recorded.get(name);
  if (found === undefined) throw new Error(`no fixtures/vanish/${name}.json`);
  return found.log;
}

/** In one line: what a person would want to know first. */
function said(name: string): string {
  const { mechanism, how, noticedAfterMs, inferred, next } = infer(log(name));
  const about = (estimate: { readonly ms: number } | null) =>
    estimate === null ? '-' : String(Math.round(estimate.ms / 100) / 10);
  return [
    mechanism,
    `${how ?? 'not'} ${about(noticedAfterMs)}`,
    `idle ${about(inferred.idleMs)} interval ${about(inferred.intervalMs)} count ${inferred.count ?? '-'}`,
    next.kind,
  ].join(' | ');
}

describe('what a real kernel did', () => {
  it('is inferred from what was seen of it', () => {
    const words = [...recorded].map(([name, { what }]) => `${what}\n  ${said(name)}`);
    expect(words.join('\n')).toMatchInlineSnapshot(`
      "sshd with LoginGraceTime 4 on a busy host: it greeted the quiet one before its silence, the vanished one after
        ambiguous | FIN 10.2 | idle - interval - count - | done
      sshd with LoginGraceTime 4 on a busy host: it greeted the quiet one after its silence had begun
        ambiguous | FIN 4.3 | idle - interval - count - | done
      sshd with keepalive 4 1 2 on a busy host: it greeted the vanished one before its silence, the quiet one after
        ambiguous | RST 6.1 | idle 0.4 interval - count - | done
      a beat every second, and FIN after 3.5s without an answer: it waits behind two beats that are never sent
        ambiguous | not - | idle 1 interval 1 count - | watch
      a beat every second, and RST after 3.5s without an answer
        heartbeat | RST 3.5 | idle 1 interval 1 count - | done
      closed after 3s with 421 timeout and FIN; the FIN passes the filter, the words before it do not
        idle-timeout | FIN 3 | idle 3 interval - count - | done
      closed after 3s; the FIN is swallowed as well, and heard once the vanishing is lifted
        idle-timeout | FIN 3 | idle 3 interval - count - | done
      keepalive=2s:1s:3, its RST swallowed as well
        keepalive | unknown 5.1 | idle 2 interval 1 count 3 | done
      keepalive=1s:3s:1, the interval longer than the idle time
        keepalive | RST 4 | idle 1 interval 3 count 1 | done
      keepalive=2s:1s:3
        keepalive | RST 5.1 | idle 2 interval 1 count 3 | done
      redis-server with tcp-keepalive 3: keepalive=3s:1s:3
        keepalive | RST 6.3 | idle 3 interval 1 count 3 | done
      redis-server with tcp-keepalive 6: keepalive=6s:2s:3, its RST swallowed as well
        keepalive | unknown 12.1 | idle 6 interval 2 count 3 | done
      redis-server with timeout 4, which looks once a second
        idle-timeout | FIN 4.7 | idle 4.7 interval - count - | done
      redis-server, asked for data that does not arrive, with tcp_retries2 = 3
        retransmission | silently 6.6 | idle - interval - count - | done
      sends data every second whoever listens, with a user timeout of 4s
        retransmission | silently 7.7 | idle 1 interval 1 count - | done
      asked, with a user timeout of 4s there; the RST answers our own retransmission of the question
        retransmission | silently 6.7 | idle - interval - count - | watch"
    `);
  });

  it('is told of with the truth within the estimates', () => {
    const holds = (name: string, idleMs: number, intervalMs: number) => {
      const { inferred } = infer(log(name));
      expect(inferred.idleMs?.min).toBeLessThanOrEqual(idleMs);
      expect(inferred.idleMs?.max).toBeGreaterThanOrEqual(idleMs);
      expect(inferred.intervalMs?.min).toBeLessThanOrEqual(intervalMs);
      expect(inferred.intervalMs?.max).toBeGreaterThanOrEqual(intervalMs);
    };
    holds('keepalive', 2000, 1000);
    holds('keepalive-hidden', 2000, 1000);
    holds('keepalive-one-probe', 1000, 3000);
    holds('redis-keepalive-3', 3000, 1000);
    holds('redis-keepalive-6', 6000, 2000);
  });

  const holdsKept = (name: string, ms: number) => {
    const kept = unansweredFor(log(name));
    expect(kept?.min).toBeLessThan(ms);
    expect(kept?.max).toBeGreaterThan(ms);
  };

  it('is told of as long as data was kept that nobody acknowledged', () => {
    expect(unansweredFor(log('heartbeat'))).toEqual({ ms: 2489.1, min: 2486, max: 2503.2 });
    // 404 ms until the retransmission timer, and the user timeout from there.
    holdsKept('talkative-user-timeout', 4404);
    holdsKept('write-user-timeout', 4404);
    // And there 3 s until no expiry may send any more, and the next one.
    holdsKept('redis-write-retries-3', 6800);
    expect(unansweredFor(log('keepalive'))).toBeNull();
    expect(unansweredFor(log('redis-timeout-4'))).toBeNull();
  });

  it('is no notice as long as the end is not in it', () => {
    for (const [, { log }] of recorded) {
      const ending = log.events.findIndex(
        ({ connection, kind }) =>
          connection === 'vanished' && ['fin', 'reset', 'gone'].includes(kind),
      );
      for (let seen = 0; seen <= log.events.length; seen++) {
        const events = log.events.slice(0, seen);
        const watchedMs = events.at(-1)?.atMs ?? 0;
        expect(infer({ ...log, events, watchedMs }).noticed).toBe(ending >= 0 && seen > ending);
      }
    }
  });
});
