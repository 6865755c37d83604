/**
 * A client, a router and a server, each in a network namespace of its own: what happens on a path,
 * and not on one link. Nothing of them is left after the test.
 */
import { execFileSync } from 'node:child_process';
import { until } from '../until.js';
import { holdNetwork, lacksNetwork, SOON_MS, type Network } from './network.js';

export interface RoutedNetwork {
  readonly client: Network;
  readonly router: Network;
  readonly server: Network;
}

/** What the router knows of a connection, and for how long. */
export interface Nat {
  /** It forgets an established connection that was silent for so long. */
  readonly limitSeconds: number;
  /** What it does with segments of a connection that it has forgotten. */
  readonly forgotten: 'drop' | 'reset';
}

/** RFC 5737 and RFC 3849: addresses that are nobody's. */
export const SERVER_ADDRESS = '203.0.113.2';
export const SERVER_ADDRESS6 = '2001:db8:2::2';

const sides = {
  client: { net: '198.51.100', net6: '2001:db8:1:' },
  server: { net: '203.0.113', net6: '2001:db8:2:' },
} as const;

/** Reason enough to skip a test, unless CI runs as root. */
export const lacksRoutedNetwork = lacksNetwork;

/** Made of user namespaces where nobody is root. @param nat undefined: it forwards, and remembers nothing */
export async function routedNetwork({
  nat,
}: { readonly nat?: Nat | undefined } = {}): Promise<RoutedNetwork> {
  const router = await holdNetwork('ip link set lo up');
  const client = await holdNetwork('ip link set lo up', router);
  const server = await holdNetwork('ip link set lo up', router);
  await connect(router, client, 'client');
  await connect(router, server, 'server');
  set(router, 'ipv4/ip_forward', 1);
  set(router, 'ipv6/conf/all/forwarding', 1);
  if (nat !== undefined) translate(router, nat);
  return { client, router, server };
}

/** `.1` is the router, `.2` the other end. Resolves when both may send. */
async function connect(router: Network, end: Network, side: keyof typeof sides): Promise<void> {
  const { net, net6 } = sides[side];
  runIn(router, `ip link add ${side} type veth peer name path netns ${end.pid}`);
  const addresses: readonly [Network, string, number][] = [
    [router, side, 1],
    [end, 'path', 2],
  ];
  for (const [network, link, host] of addresses) {
    runIn(network, `ip addr add ${net}.${host}/24 dev ${link}`);
    // Duplicate address detection would keep its addresses out of use for a second.
    set(network, `ipv6/conf/${link}/accept_dad`, 0);
    runIn(network, `ip addr add ${net6}:${host}/64 dev ${link}`);
    runIn(network, `ip link set ${link} up`);
  }
  for (const [network, link] of addresses) {
    await until(() => runIn(network, `ip link show ${link}`).includes('state UP'), SOON_MS);
  }
  runIn(end, `ip route add default via ${net}.1`);
  runIn(end, `ip -6 route add default via ${net6}:1`);
}

/** The sysctls of conntrack are there once it is used. */
function translate(router: Network, { limitSeconds, forgotten }: Nat): void {
  const verdict = forgotten === 'drop' ? 'drop' : 'meta l4proto tcp reject with tcp reset';
  const rules = `table inet router {
    chain forward {
      type filter hook forward priority filter;
      ct state invalid ${verdict}
    }
    chain postrouting {
      type nat hook postrouting priority srcnat;
      oifname "server" masquerade
    }
  }`;
  runIn(router, 'nft -f -', rules);
  set(router, 'netfilter/nf_conntrack_tcp_timeout_established', limitSeconds);
  // Otherwise the next segment of a forgotten connection would make it known again.
  set(router, 'netfilter/nf_conntrack_tcp_loose', 0);
}

function set(network: Network, name: string, value: number): void {
  runIn(network, `tee /proc/sys/net/${name}`, `${value}`);
}

/** @returns what it printed */
export function runIn(network: Network, words: string, input = ''): string {
  const [command = '', ...args] = network.command(...words.split(' '));
  return execFileSync(command, args, { input, stdio: ['pipe', 'pipe', 'inherit'] }).toString();
}
