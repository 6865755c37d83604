/** A socket's own setting, in the grammar of modes. */
import { formatMode } from '../core/mode.js';
import type { SocketOptions } from '../core/socket.js';

/** `none`, `keepalive=60s:10s:6+user-timeout=2m`. */
export function settingWords({ keepalive, userTimeoutMs }: SocketOptions): string {
  return formatMode({
    ...(keepalive.kind === 'known' ? { keepalive } : {}),
    ...(userTimeoutMs === null || userTimeoutMs === 0 ? {} : { userTimeoutMs }),
  });
}
