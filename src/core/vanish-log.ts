/**
 * What was seen of connections to one server of which one has vanished: the log that its mechanism is
 * inferred from. Recorded logs are fixtures (fixtures/vanish).
 *
 * Each connection's clock starts at its own last word: the last segment of ours that the server heard.
 */

/**
 * How a client goes silent with no help from the other end.
 * - `goodbye-filter`: a filter swallows what arrives but for FIN and RST.
 * - `data-filter`: a filter swallows what carries data but for FIN and RST: a request of ours is
 *   acknowledged, and not retransmitted into the log. For load `write`.
 * - `hop-limit`: what we send dies at the first router (IP_TTL 1); everything still arrives.
 * - `min-ttl`: what arrives is swallowed, FIN and RST too (IP_MINTTL 255).
 */
export type VanishEngine = 'goodbye-filter' | 'data-filter' | 'hop-limit' | 'min-ttl';

/** `quiet` stays reachable and says nothing; `vanished` is not reachable any more. */
export type WatchedName = 'quiet' | 'vanished';

/**
 * - `bare`: a segment without data arrived. Nothing of ours was to be acknowledged: a keepalive probe.
 * - `data`: a segment with data arrived.
 * - `swallowed`: a segment was dropped; with data, FIN or RST, or without, cannot be told.
 * - `fin`, `reset`: the server said goodbye, and it was heard. A FIN that the filter let through behind
 *   data that it swallowed is heard by nobody but `segs_in`.
 * - `gone`, `held`: the vanishing was lifted, and the server's kernel asked: it knows the connection
 *   no more (RST), or still does (acknowledgement). Nothing of that connection is logged after it.
 * - `asked`: we asked the server's kernel, to prove the vanishing: nothing that the server did.
 */
export type VanishEventKind =
  'bare' | 'data' | 'swallowed' | 'fin' | 'reset' | 'gone' | 'held' | 'asked';

export interface VanishEvent {
  readonly connection: WatchedName;
  readonly kind: VanishEventKind;
  /** Since that connection's own last word, when it was seen. */
  readonly atMs: number;
  /** It happened that much earlier at most: the pause since the last look. */
  readonly withinMs: number;
}

export interface VanishLog {
  readonly engine: VanishEngine;
  /** Whether the server was asked for data whose answer was swallowed: `write`. */
  readonly load: 'idle' | 'write';
  /**
   * The round trip, smoothed: a segment is seen that much later than the server's clocks say. Far
   * below a tick on a LAN.
   */
  readonly rttMs: number;
  /** The last word of each left that much before its clock started, at most: it was seen by a look too. */
  readonly lastWordWithinMs: Readonly<Record<WatchedName, number>>;
  /**
   * When the vanishing was lifted; null: it was not. What the vanished one hears from then on is an
   * answer: the end that it tells of came before.
   */
  readonly liftedAtMs: number | null;
  /** How long it was watched so far, or in all. */
  readonly watchedMs: number;
  /** In the order of `atMs`. */
  readonly events: readonly VanishEvent[];
}
