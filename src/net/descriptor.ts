import type { Server, Socket } from 'node:net';

/**
 * The descriptor behind a Node socket or server; undefined before it has one and after close.
 * `_handle.fd` is undocumented and has been stable for ten years (libuv's uv_fileno).
 */
export function descriptorOf(socket: Socket | Server): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } | null };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
