/** The table of all TCP sockets: as it comes, or kept as the kernel wrote it. */
import type { SocketTable } from '../socket-view.js';
import type { Libc } from './libc.js';
import { Dump } from './netlink.js';
import { decodeSockets } from './sock-diag.js';

/** Read while it is walked through. */
export function tableToCome(libc: Libc): SocketTable {
  const dump = new Dump(libc);
  return {
    sockets: decodeSockets(dump.pieces()),
    get torn() {
      return dump.torn;
    },
    get idle() {
      return dump.idle;
    },
  };
}

/** Read now. As objects it would take longer to clear away than to decode each time. */
export function keptTable(libc: Libc): SocketTable {
  const dump = new Dump(libc);
  const pieces = [...dump.pieces('kept')];
  return {
    sockets: { [Symbol.iterator]: () => decodeSockets(pieces) },
    torn: dump.torn,
    idle: dump.idle,
  };
}
