/** What untuned stacks do about a peer that is gone, and which boxes on the path forget a quiet flow. Data with sources. */
import { formatMode, parseMode } from './mode.js';
import { predict, type Prediction } from './predict.js';
import { periodMs } from './situation.js';
import type { HostFacts } from './result.js';

export interface Stack {
  readonly name: string;
  /** As it comes, on Linux, in the mode grammar. */
  readonly mode: string;
  readonly source: string;
}

export interface Middlebox {
  readonly name: string;
  /** Without any packet for this long it forgets the flow. */
  readonly idleMs: number;
  readonly source: string;
}

export const stacks: readonly Stack[] = [
  { name: 'any socket, Linux', mode: 'none', source: 'socket(7): SO_KEEPALIVE is off' },
  { name: 'SO_KEEPALIVE alone', mode: 'keepalive=system', source: 'tcp(7), ip-sysctl' },
  { name: 'Node.js net', mode: 'none', source: 'nodejs.org net: keepAlive false' },
  {
    name: 'Go net, 1.23 on',
    mode: 'keepalive=15s:15s:9',
    source: 'go.dev/issue/62254: KeepAliveConfig',
  },
  {
    name: 'Redis server',
    mode: 'keepalive=300s:100s:3',
    source: 'redis.conf: tcp-keepalive 300; anet.c: a third of it, three times',
  },
  {
    name: 'PostgreSQL server',
    mode: 'keepalive=system',
    source: 'runtime-config-connection: tcp_keepalives_idle 0, tcp_user_timeout 0',
  },
  { name: 'nginx', mode: 'none', source: 'nginx.org listen: so_keepalive omitted' },
  { name: 'HAProxy', mode: 'none', source: 'HAProxy manual: option tcpka is off' },
  {
    name: 'RabbitMQ, both ends',
    mode: 'heartbeat=30s:1m',
    source: 'rabbitmq.com heartbeats: timeout 60s, a frame every half',
  },
  { name: 'gRPC client', mode: 'none', source: 'grpc.io keepalive: INT_MAX, disabled' },
  {
    name: 'gRPC server',
    mode: 'user-timeout=20s+heartbeat=2h:2h20s',
    source: 'grpc.io keepalive: 2h and 20s; gRFC A18',
  },
  {
    name: 'MySQL server',
    mode: 'keepalive=system+idle-timeout=8h',
    source: 'MySQL manual: wait_timeout 28800; vio_keepalive',
  },
  {
    name: 'libkeepalive',
    mode: 'keepalive=system',
    source: 'libkeepalive: SO_KEEPALIVE, the rest unless KEEPIDLE is set',
  },
];

export const middleboxes: readonly Middlebox[] = [
  { name: 'AWS ALB', idleMs: 60_000, source: 'ALB idle_timeout.timeout_seconds' },
  { name: 'Azure LB', idleMs: 240_000, source: 'Azure Load Balancer TCP idle timeout' },
  { name: 'AWS NLB', idleMs: 350_000, source: 'NLB tcp.idle_timeout.seconds' },
  { name: 'AWS NAT', idleMs: 350_000, source: 'NAT gateway idle timeout' },
  { name: 'GCP VPC', idleMs: 600_000, source: 'VPC firewall connection tracking' },
  { name: 'IPVS', idleMs: 900_000, source: 'ipvsadm --timeout: 900 120 300' },
  { name: 'GCP NAT', idleMs: 1_200_000, source: 'tcpEstablishedIdleTimeoutSec' },
  { name: 'home gateway', idleMs: 7_440_000, source: 'RFC 5382 REQ-5: 2h4m at least' },
  { name: 'conntrack', idleMs: 432_000_000, source: 'nf_conntrack_tcp_timeout_established' },
];

export interface StackForecast {
  readonly name: string;
  readonly mode: string;
  readonly idle: Prediction;
  /** With an unanswered write in flight. */
  readonly busy: Prediction;
  /** Between two packets while it is idle and healthy, at most; null: for ever. */
  readonly quietMs: number | null;
  /** The boxes that forget it meanwhile. */
  readonly forgottenBy: readonly string[];
  readonly source: string;
}

export interface StackForecasts {
  readonly schema: 'tcpalive/stacks/1';
  readonly host: HostFacts;
  readonly stacks: readonly StackForecast[];
  readonly middleboxes: readonly Middlebox[];
}

export function forecastStacks(host: HostFacts): StackForecasts {
  return {
    schema: 'tcpalive/stacks/1',
    host,
    stacks: stacks.map((stack) => forecastStack(stack, host)),
    middleboxes,
  };
}

function forecastStack(
  { name, mode: text, source }: Stack,
  { sysctl: sysctls, hz }: HostFacts,
): StackForecast {
  const mode = parseMode(text);
  const situation = {
    mode,
    fault: 'blackhole',
    observer: 'server',
    sysctls,
    hz: hz ?? undefined,
  } as const;
  const quietMs = periodMs({ mode }, sysctls) ?? null;
  return {
    name,
    mode: formatMode(mode),
    idle: predict({ ...situation, load: 'idle' }),
    busy: predict({ ...situation, load: 'write' }),
    quietMs,
    forgottenBy: middleboxes
      .filter(({ idleMs }) => idleMs < (quietMs ?? Infinity))
      .map((box) => box.name),
    source,
  };
}
