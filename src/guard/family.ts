/**
 * What a guardian has started, and all that came of it. The guardian adopts what its services leave
 * behind (PR_SET_CHILD_SUBREAPER), reaps it, and marks each service's processes in their environment.
 */
import type { ChildOptions, Started } from './child.js';

export interface Family {
  /** In the environment of all of them, within TCPALIVE_GUARD: what a sentinel ends. */
  readonly token: string;
  start(options: ChildOptions): Promise<Started>;
  /** Who was adopted and is no known service's: it had cleared its environment. Numbers. */
  strangers(): readonly number[];
  /** Adopts and reaps no more. Its children are to be stopped before. */
  close(): void;
}
