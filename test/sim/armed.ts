/** A moment in a simulation: what a host's socket table would show of a connection just then. */
export interface Armed {
  /** When the timer that is running was armed. */
  readonly at: number;
  /** How long it was armed for. */
  readonly delayMs: number;
  /** How much later it then fires. */
  readonly lateMs: number;
  readonly retransmissions: number;
  readonly backoff: number;
  readonly probesOut: number;
}
