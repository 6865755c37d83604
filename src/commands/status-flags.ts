/** `--status`, for every command that goes on until it is stopped. */
import { Option } from 'commander';
import { isLoopback } from '../core/address.js';
import { formatEndpoint, parseEndpoint, type Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';

export interface StatusFlags {
  readonly status?: Endpoint;
  readonly exposeStatus?: boolean;
}

export function statusOption(): Option {
  return new Option(
    '--status <host:port>',
    'answer /status, /metrics and /healthz there over HTTP',
  ).argParser(parseEndpoint);
}

export function exposeStatusOption(): Option {
  return new Option('--expose-status', 'also where others than this host can ask');
}

/** It names no peer, and yet tells strangers how a service is. @throws TcpaliveError BAD_USAGE */
export function refuseExposed({ status, exposeStatus }: StatusFlags): void {
  if (status === undefined || exposeStatus === true) return;
  if (status.address === 'localhost' || isLoopback(status.address)) return;
  throw new TcpaliveError(
    'BAD_USAGE',
    `--status ${formatEndpoint(status)} is no loopback address: others could ask`,
    { hint: '--expose-status allows that' },
  );
}
