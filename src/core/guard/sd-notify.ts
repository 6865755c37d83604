/**
 * systemd's protocol (sd_notify(3)), what a guardian needs of it: lines `NAME=value` in one datagram.
 * Names that nobody knows count for nothing, as the protocol wants; a value that cannot be meant neither.
 */

export type Notification =
  | { readonly kind: 'ready' | 'stopping' | 'alive' | 'failed' }
  | { readonly kind: 'main-pid'; readonly pid: number }
  /** Whole milliseconds at least; a service that asks for less gets one. */
  | { readonly kind: 'extend'; readonly ms: number };

/** Above a week more time is a mistake. */
const LONGEST_EXTENSION_MS = 7 * 24 * 3_600_000;

/** PID_MAX_LIMIT, linux/threads.h. */
const LARGEST_PID = 4_194_304;

/** Undefined: it is no message of this protocol. An empty list: nothing in it concerns a guardian. */
export function parseNotification(bytes: Uint8Array): readonly Notification[] | undefined {
  const lines = new TextDecoder().decode(bytes).split('\n');
  const said = lines.filter((line) => line !== '');
  if (said.length === 0 || !said.every((line) => /^[A-Z][A-Z0-9_]*=/.test(line))) return undefined;
  return said.map(meaning).filter((each) => each !== undefined);
}

function meaning(line: string): Notification | undefined {
  const at = line.indexOf('=');
  const value = line.slice(at + 1);
  switch (line.slice(0, at)) {
    case 'READY':
      return value === '1' ? { kind: 'ready' } : undefined;
    case 'STOPPING':
      return value === '1' ? { kind: 'stopping' } : undefined;
    case 'WATCHDOG':
      if (value === 'trigger') return { kind: 'failed' };
      return value === '1' ? { kind: 'alive' } : undefined;
    case 'MAINPID': {
      const pid = wholeNumber(value);
      return pid !== undefined && pid >= 1 && pid <= LARGEST_PID
        ? { kind: 'main-pid', pid }
        : undefined;
    }
    case 'EXTEND_TIMEOUT_USEC': {
      const microseconds = wholeNumber(value);
      if (microseconds === undefined || microseconds === 0) return undefined;
      const ms = Math.min(Math.ceil(microseconds / 1000), LONGEST_EXTENSION_MS);
      return { kind: 'extend', ms };
    }
    default:
      return undefined;
  }
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,20}$/.test(text) ? Number(text) : undefined;
}
