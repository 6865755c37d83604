/** From an echo server's events to entries of its log, and the counts of its summary. */
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode } from '../core/mode.js';
import { isGoodbye } from '../core/probe-verdict.js';
import type { ServeEntry } from '../core/serve-log.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { EchoServerEvent } from './echo-server.js';

export class ServeLog {
  readonly #print: (entry: ServeEntry) => void;
  /** Only what went wrong: a line a frame costs more than the frame, and nobody reads 10,000 a second. */
  readonly #quiet: boolean;
  readonly #startedAt = monotonicNow();
  readonly #framesOf = new Map<number, number>();
  readonly #endedBy: Record<string, number> = {};
  #connections = 0;
  #refused = 0;
  #frames = 0;
  #skippedBytes = 0;

  constructor(print: (entry: ServeEntry) => void, { quiet = false } = {}) {
    this.#print = print;
    this.#quiet = quiet;
  }

  take(event: EchoServerEvent): void {
    if (this.#quiet) this.#takeQuietly(event);
    else this.#tell(event);
  }

  #takeQuietly(event: EchoServerEvent): void {
    if (event.kind === 'frame') this.#frames++;
    else if (event.kind === 'opened') this.#connections++;
    else if (event.kind === 'ended' || event.kind === 'refused') this.#tell(event);
  }

  #tell(event: EchoServerEvent): void {
    const time = new Date().toISOString();
    if (event.kind === 'refused') {
      this.#refused++;
      const { remote, reason } = event;
      this.#print({ event: 'refused', time, peer: formatEndpoint(remote), reason });
      return;
    }
    const { id, connection } = event;
    const about = { time, connection: id, peer: formatEndpoint(connection.remote) };
    switch (event.kind) {
      case 'opened':
        this.#connections++;
        this.#framesOf.set(id, 0);
        this.#print({ event: 'opened', ...about, settings: formatMode(event.settings) });
        break;
      case 'frame': {
        this.#frames++;
        this.#framesOf.set(id, (this.#framesOf.get(id) ?? 0) + 1);
        const bytes = event.payload.length;
        this.#print({ event: 'frame', ...about, bytes, beat: bytes === 0 });
        break;
      }
      case 'unanswered':
        this.#print({ event: 'unanswered', ...about });
        break;
      case 'silent':
        this.#print({ event: 'silent', ...about, silentMs: event.silentMs });
        break;
      case 'ended': {
        const { by, silentMs } = event.ending;
        this.#endedBy[by] = (this.#endedBy[by] ?? 0) + 1;
        if (by === 'local' || isGoodbye(by)) break;
        this.#print({ event: 'noticed', ...about, by, silentMs });
        break;
      }
      case 'closed': {
        const { ending, skippedBytes } = connection;
        this.#skippedBytes += skippedBytes;
        this.#print({
          event: 'closed',
          ...about,
          by: ending?.by ?? 'local',
          reason: ending?.detail ?? null,
          frames: this.#framesOf.get(id) ?? 0,
          skippedBytes,
          lifetimeMs: Math.round(msBetween(connection.openedAt, ending?.at ?? monotonicNow())),
        });
        this.#framesOf.delete(id);
        break;
      }
    }
  }

  summarise(open: number): void {
    this.#print({
      event: 'summary',
      time: new Date().toISOString(),
      durationMs: Math.round(msBetween(this.#startedAt, monotonicNow())),
      connections: this.#connections,
      refused: this.#refused,
      frames: this.#frames,
      skippedBytes: this.#skippedBytes,
      open,
      endedBy: this.#endedBy,
    });
  }
}
