/** From an echo server's events to entries of its log. */
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode } from '../core/mode.js';
import { isGoodbye } from '../core/probe-verdict.js';
import type { ServeEntry } from '../core/serve-log.js';
import { rejectedInAll, type ServerCounts } from '../core/server-counts.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { isOwn } from './connection.js';
import type { EchoServerEvent } from './echo-event.js';
import type { WorkerEvent } from './worker-pool.js';

export class ServeLog {
  readonly #print: (entry: ServeEntry) => void;
  readonly #worker: number | null;
  readonly #startedAt = monotonicNow();

  /** @param worker whose log it is, where there are workers */
  constructor(print: (entry: ServeEntry) => void, worker: number | null = null) {
    this.#print = print;
    this.#worker = worker;
  }

  take(event: EchoServerEvent | WorkerEvent): void {
    const time = new Date().toISOString();
    if (event.kind === 'worker-started' || event.kind === 'worker-lost') {
      const { kind, ...about } = event;
      this.#print({ event: kind, time, ...about } as ServeEntry);
      return;
    }
    const worker = this.#worker;
    if (event.kind === 'refused') {
      const { remote, cause, reason } = event;
      this.#print({ event: 'refused', time, worker, peer: formatEndpoint(remote), cause, reason });
      return;
    }
    if (event.kind === 'accept') {
      const { kind, reason } = event.health;
      this.#print({ event: 'accept', time, works: kind === 'works', reason });
      return;
    }
    const { id, connection } = event;
    const about = { time, worker, connection: id, peer: formatEndpoint(connection.remote) };
    switch (event.kind) {
      case 'opened':
        this.#print({ event: 'opened', ...about, settings: formatMode(event.settings) });
        break;
      case 'frames':
        for (const { length: bytes } of event.frames.payloads()) {
          this.#print({ event: 'frame', ...about, bytes, beat: bytes === 0 });
        }
        break;
      case 'unanswered':
        this.#print({ event: 'unanswered', ...about });
        break;
      case 'silent':
        this.#print({ event: 'silent', ...about, silentMs: event.silentMs });
        break;
      case 'ended': {
        const { by, silentMs } = event.ending;
        if (isOwn(by) || isGoodbye(by)) break;
        this.#print({ event: 'noticed', ...about, by, silentMs });
        break;
      }
      case 'closed': {
        const { ending, skippedBytes } = connection;
        this.#print({
          event: 'closed',
          ...about,
          by: ending?.by ?? 'local',
          reason: ending?.detail ?? null,
          frames: event.frames,
          skippedBytes,
          lifetimeMs: Math.round(msBetween(connection.openedAt, ending?.at ?? monotonicNow())),
        });
        break;
      }
    }
  }

  summarise(counts: ServerCounts, open: number): void {
    this.#print({
      event: 'summary',
      time: new Date().toISOString(),
      durationMs: Math.round(msBetween(this.#startedAt, monotonicNow())),
      connections: counts.accepted,
      refused: rejectedInAll(counts),
      frames: counts.frames,
      skippedBytes: counts.skippedBytes,
      open,
      endedBy: counts.endedBy,
    });
  }
}
