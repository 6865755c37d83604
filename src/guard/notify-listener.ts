/** systemd's protocol (sd_notify(3)), heard: datagrams whose sender the kernel names. */
import type { Ear, Sign } from '../core/guard/sign.js';
import type { Standing } from './child.js';

/** One for all services of a guardian: it wakes up when the kernel says that a datagram is there. */
export interface NotifyListener {
  /**
   * @param at.path what goes into NOTIFY_SOCKET: a path that is not there yet, of at most 107 bytes, or an abstract
   *   address with `@` in front
   * @param at.standingOf who sent it; a stranger's message is counted and counts for nothing
   * @throws TcpaliveError CANNOT_LISTEN
   */
  open(
    at: { readonly path: string; readonly standingOf: (pid: number) => Standing },
    hear: (sign: Sign) => void,
  ): NotifyEar;
  /** What has come is heard now, and not at the loop's next turn. */
  drain(): void;
  close(): void;
}

export interface NotifyEar extends Ear {
  /** Messages from others than the service, and such as nobody could read. */
  readonly refused: number;
}
