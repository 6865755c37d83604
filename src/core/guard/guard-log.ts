/** What the guardian reports: one entry an event, `tcpalive/guard/1`. Times are RFC 3339 and milliseconds. */

export type GuardEntry = GuardEvent & { readonly time: string };

export type GuardEvent =
  | {
      readonly event: 'guarding';
      readonly schema: 'tcpalive/guard/1';
      readonly pid: number;
      readonly services: readonly string[];
      readonly dryRun: boolean;
    }
  | { readonly event: 'status'; readonly address: string }
  | ServiceEvent
  | {
      readonly event: 'own-trouble';
      /** `late`: the guardian itself was stopped or starved; `together`: several fell silent at one instant. */
      readonly kind: 'late' | 'together';
      /** How late it looked; null: it was not. */
      readonly lateMs: number | null;
      /** Whose silence is counted anew. */
      readonly services: readonly string[];
    }
  | {
      readonly event: 'reloaded';
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
      /** Tried again though they had been given up. */
      readonly revived: readonly string[];
    }
  /** Everything goes on as it was. */
  | { readonly event: 'reload-failed'; readonly reason: string }
  /** So many events before this one, in no file: whoever reads them does not keep up. */
  | { readonly event: 'untold'; readonly entries: number }
  /** Somebody spoke to the guardian who is no service of it. */
  | { readonly event: 'stranger'; readonly reason: string }
  | { readonly event: 'ending'; readonly reason: string }
  | {
      readonly event: 'summary';
      readonly durationMs: number;
      /** By the name of the service. */
      readonly restarts: Readonly<Record<string, number>>;
      /** Down at the end, and nothing more is done about them. */
      readonly lost: readonly string[];
    };

/** Of one service. */
type ServiceEvent = { readonly service: string } & ServiceNews;

export type ServiceNews =
  | { readonly event: 'started'; readonly pid: number }
  | { readonly event: 'start-failed'; readonly code: string; readonly reason: string }
  /** All that it is alive by has been heard. */
  | {
      readonly event: 'alive';
      readonly afterMs: number;
      /** False: no sign of life is asked for, and only its end is noticed. */
      readonly watched: boolean;
    }
  /** The first failure since it was last alive by that, or another one than before. */
  | { readonly event: 'failed'; readonly by: string; readonly reason: string }
  | {
      readonly event: 'dead';
      /** What stayed away: `beats`, `systemd`, or the address of a check. */
      readonly by: string;
      readonly silentMs: number;
      /** It never came since the service started. */
      readonly starting: boolean;
      /** How it failed last; null: it was only silent. */
      readonly reason: string | null;
      /** What is done about it; `none`: it is only told. */
      readonly action: 'restart' | 'none';
    }
  | {
      readonly event: 'exited';
      readonly pid: number;
      readonly code: number | null;
      readonly signal: string | null;
    }
  | {
      readonly event: 'stopped';
      /** The last signal that it took; `already`: nobody was left. */
      readonly by: 'already' | 'TERM' | 'KILL';
      readonly tookMs: number;
    }
  /** They could not be ended: no other one is started beside them. */
  | { readonly event: 'survivors'; readonly processes: readonly SurvivorNews[] }
  /** The diagnostic before a kill went wrong. */
  | { readonly event: 'diagnostic-failed'; readonly reason: string }
  /** The service has said that another process is the main one. */
  | { readonly event: 'follows'; readonly pid: number }
  | { readonly event: 'follow-refused'; readonly pid: number; readonly reason: string }
  | {
      readonly event: 'restarting';
      readonly inMs: number;
      /** Which one within the time of the limit. */
      readonly restart: number;
      readonly most: number;
      readonly withinMs: number;
    }
  /** One call of a restart address, or one run of a restart command. */
  | {
      readonly event: 'called';
      readonly what: string;
      readonly attempt: number;
      /** Null: it worked. */
      readonly reason: string | null;
    }
  | { readonly event: 'call-failed'; readonly reason: string }
  | {
      readonly event: 'gave-up';
      readonly restarts: number;
      readonly withinMs: number;
      readonly then: 'exit' | 'wait';
    }
  | { readonly event: 'ended'; readonly reason: string };

export interface SurvivorNews {
  readonly pid: number;
  readonly name: string;
}
