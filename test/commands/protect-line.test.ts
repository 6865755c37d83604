import { expect, it } from 'vitest';
import { protectLine } from '../../src/commands/protect-line.js';

const keepalive = { idleSeconds: 60, intervalSeconds: 10, count: 6 };
const plain = { pid: undefined, direction: 'both', color: 'auto' } as const;

it.each([
  [{ pid: 42, keepalive }, 'tcpalive protect 42 --keepalive 60s:10s:6 --yes'],
  [
    { port: 6379, keepalive, userTimeout: 120_000, spread: 0, follow: true },
    'tcpalive protect --port 6379 --keepalive 60s:10s:6 --user-timeout 2m --spread none --follow --yes',
  ],
  [
    {
      unit: 'nginx.service',
      tree: true,
      userTimeout: 120_000,
      direction: 'accepted',
      force: true,
      spread: 90_000,
    },
    'tcpalive protect --unit nginx.service --tree --user-timeout 2m --direction accepted --force --spread 1m30s --yes',
  ],
  [
    { pid: 1, keepalive, undo: "/tmp/it's; rm -rf x", json: true },
    `tcpalive protect 1 --keepalive 60s:10s:6 --undo '/tmp/it'\\''s; rm -rf x' --json --yes`,
  ],
] as const)('%j', (order, line) => {
  expect(protectLine({ ...plain, ...order })).toBe(line);
});
