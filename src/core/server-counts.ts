/** What a server has counted since it began. Plain data: it travels between processes. */
export interface ServerCounts {
  /** Those that were let in. */
  readonly accepted: number;
  readonly rejected: Readonly<Record<RejectionCause, number>>;
  /** How many connections each cause ended, as the driver names it. */
  readonly endedBy: Readonly<Record<string, number>>;
  /** Beats among them. */
  readonly frames: number;
  readonly beats: number;
  /** Received, and of no frame: of the connections that are closed. */
  readonly skippedBytes: number;
  /** Frames for whose delayed reply there was no more room. */
  readonly unanswered: number;
}

/** No place free, too many from there, or the kernel refused the mode. */
export type RejectionCause = 'connections' | 'address' | 'mode';

export function rejectedInAll({ rejected }: Pick<ServerCounts, 'rejected'>): number {
  return rejected.connections + rejected.address + rejected.mode;
}
