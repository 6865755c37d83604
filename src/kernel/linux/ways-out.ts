/**
 * Whether what is sent on a connection can leave this host. A probe on a link without a carrier counts as sent
 * (the queue that drops it says NET_XMIT_CN), and one without a route as well (tcp_keepalive_timer,
 * net/ipv4/tcp_timer.c): neither by its counts nor by its silence can a socket tell.
 */
import { formatAddress } from '../../core/address.js';
import { KernelRefusal } from '../kernel.js';
import type { RoutedConnection, WayOut } from '../socket-view.js';
import type { Libc } from './libc.js';
import { answerTo, openRoutes, openSockDiag, REPLY_BYTES } from './netlink.js';
import {
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  encodeAddressRequest,
  encodeLinkRequest,
  encodeNeighbourQuestion,
  encodeNeighbourRequest,
  encodeRouteRequest,
  type Link,
  type Neighbour,
} from './route.js';
import { decodeRoutingOptions, encodeSocketRequest, SOCK_DIAG_BY_FAMILY } from './sock-diag.js';

/** In this order. What the kernel does not let us find out is shut: nobody may be called dead for it. */
export function waysOut(
  libc: Libc,
  connections: readonly RoutedConnection[],
  askRouters: boolean,
): readonly WayOut[] {
  try {
    return withOpened(libc, openSockDiag, (sockets) =>
      withOpened(libc, openRoutes, (routes) => {
        const exits = new Exits({ libc, sockets, routes, askRouters });
        return connections.map((connection) => exits.of(connection));
      }),
    );
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    const reason = `whether anything leaves this host is not known: ${error.message}`;
    return connections.map(() => shut(reason));
  }
}

function withOpened<T>(libc: Libc, open: (libc: Libc) => number, work: (fd: number) => T): T {
  const fd = open(libc);
  try {
    return work(fd);
  } finally {
    libc.close(fd);
  }
}

interface Access {
  readonly libc: Libc;
  /** Of sock_diag and of rtnetlink. */
  readonly sockets: number;
  readonly routes: number;
  readonly askRouters: boolean;
}

/** At one moment: of thousands of connections few have a link, a router or an own address to themselves. */
class Exits {
  readonly #access: Access;
  /** Of one answer after the other. */
  readonly #room = Buffer.alloc(REPLY_BYTES);
  readonly #links = new Map<number, Link | undefined>();
  readonly #routers = new Map<string, Neighbour['kind']>();
  readonly #ownAddresses = new Map<string, boolean>();

  constructor(access: Access) {
    this.#access = access;
  }

  of(connection: RoutedConnection): WayOut {
    const request = encodeSocketRequest(SOCK_DIAG_BY_FAMILY, connection);
    const { libc, sockets } = this.#access;
    const options = decodeRoutingOptions(answerTo(libc, sockets, request, this.#room));
    const { local, interfaceIndex: boundTo } = connection;
    if (!options.isTransparent && !this.#isOwn(local.address, boundTo)) {
      return shut(`${local.address} is no address of this host any more`);
    }
    const route = decodeRoute(this.#ask(encodeRouteRequest({ ...connection, ...options })));
    if ('errno' in route) return shut(`there is no route${errnoWords(route.errno)}`);
    const { interfaceIndex, router } = route;
    const link = this.#link(interfaceIndex);
    if (link === undefined) return shut('the interface on its route is gone');
    const { name, isUp, hasCarrier, carrierChanges } = link;
    if (!hasCarrier) return shut(isUp ? `${name} has no carrier` : `${name} is down`);
    const asSeen = `${interfaceIndex} ${carrierChanges} ${router?.join('.') ?? ''}`;
    if (router === undefined) return { kind: 'open', link: asSeen };
    switch (this.#router(interfaceIndex, router)) {
      case 'answers':
        return { kind: 'open', link: asSeen };
      case 'asked':
        return { kind: 'unsettled', link: asSeen };
      case 'silent':
        return shut(`the router ${formatAddress(router)} does not answer on ${name}`, asSeen);
    }
  }

  /** A device that is bound to may have a table of its own (VRF). */
  #isOwn(address: string, boundTo: number): boolean {
    return known(this.#ownAddresses, `${boundTo} ${address}`, () =>
      (boundTo === 0 ? [0] : [0, boundTo]).some((interfaceIndex) => {
        const route = decodeRoute(this.#ask(encodeAddressRequest(address, interfaceIndex)));
        return !('errno' in route) && route.isLocal;
      }),
    );
  }

  #link(index: number): Link | undefined {
    return known(this.#links, index, () => {
      const link = decodeLink(this.#ask(encodeLinkRequest(index)));
      return 'errno' in link ? undefined : link;
    });
  }

  /** Of one that was heard of half a minute ago it is not known whether it is still there. */
  #router(interfaceIndex: number, address: Uint8Array): Neighbour['kind'] {
    return known(this.#routers, `${interfaceIndex} ${address.join('.')}`, () => {
      const request = encodeNeighbourRequest(interfaceIndex, address);
      const { kind, mayBeAsked } = decodeNeighbour(this.#ask(request));
      if (!mayBeAsked || !this.#access.askRouters) return kind;
      // Whoever may not is told what is known.
      this.#ask(encodeNeighbourQuestion(interfaceIndex, address));
      return decodeNeighbour(this.#ask(request)).kind;
    });
  }

  #ask(request: Buffer): Buffer {
    return answerTo(this.#access.libc, this.#access.routes, request, this.#room);
  }
}

function known<Key, Value>(values: Map<Key, Value>, key: Key, find: () => Value): Value {
  const value = values.get(key);
  if (value !== undefined || values.has(key)) return value as Value;
  const found = find();
  values.set(key, found);
  return found;
}

function errnoWords(errno: number): string {
  return errno === 0 ? '' : ` (${new KernelRefusal('RTM_GETROUTE', errno).code})`;
}

function shut(reason: string, link: string | null = null): WayOut {
  return { kind: 'shut', link, reason };
}
