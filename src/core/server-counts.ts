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

export const NO_COUNTS: ServerCounts = {
  accepted: 0,
  rejected: { connections: 0, address: 0, mode: 0 },
  endedBy: {},
  frames: 0,
  beats: 0,
  skippedBytes: 0,
  unanswered: 0,
};

/** Of several processes. */
export function sumCounts(counts: readonly ServerCounts[]): ServerCounts {
  return counts.reduce(
    (so, each) => ({
      accepted: so.accepted + each.accepted,
      rejected: {
        connections: so.rejected.connections + each.rejected.connections,
        address: so.rejected.address + each.rejected.address,
        mode: so.rejected.mode + each.rejected.mode,
      },
      endedBy: sumByName(so.endedBy, each.endedBy),
      frames: so.frames + each.frames,
      beats: so.beats + each.beats,
      skippedBytes: so.skippedBytes + each.skippedBytes,
      unanswered: so.unanswered + each.unanswered,
    }),
    NO_COUNTS,
  );
}

/** Of one who told them for the last time some while before it ended: whom it let in after that is lost with it, too. */
export function withLost(counts: ServerCounts, lost: number, cause: string): ServerCounts {
  const endedBy = sumByName(counts.endedBy, { [cause]: lost });
  const ended = Object.values(endedBy).reduce((sum, count) => sum + count, 0);
  return { ...counts, accepted: Math.max(counts.accepted, ended), endedBy };
}

function sumByName(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>) {
  const sum = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
