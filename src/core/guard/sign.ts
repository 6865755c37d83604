/** What is heard of a guarded service, by whichever ear: a value. What follows from it is judged elsewhere. */

/** How it was heard. */
export type SignSource = 'beats' | 'systemd' | 'tcp' | 'http';

export type Sign =
  | { readonly kind: 'alive'; readonly by: SignSource }
  /**
   * One check went wrong, or a beating connection ended. The reason is one line that may repeat up to some
   * 60 characters of what the service said: never raw on a terminal.
   */
  | { readonly kind: 'failed'; readonly by: SignSource; readonly reason: string }
  /** `ready`: its start is over. `stopping`: it ends on purpose, and its silence is none. */
  | { readonly kind: 'ready' | 'stopping'; readonly by: SignSource }
  /** Which process is the main one from now on, as the service says: not yet verified. */
  | { readonly kind: 'main-pid'; readonly pid: number }
  /** It asks for so much more time to start, or to stop. */
  | { readonly kind: 'extend'; readonly ms: number }
  /** The service says how long its silence may last, once it is ready. */
  | { readonly kind: 'registered'; readonly by: 'beats'; readonly timeoutMs: number };

/** Something that listens for signs of one service, made with `(options, hear: (sign: Sign) => void)`. */
export interface Ear {
  /** Nothing is heard any more, and everything is given back. Idempotent. */
  close(): void;
}
