/** An observer whose own process was stopped must not blame anybody for it. */
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addMs, msBetween } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { until } from '../until.js';
import { probeArgs, serve, start } from './program.js';

const PEERS = 200;
const TIMEOUT_MS = 800;
const BEAT = Uint8Array.of(0, 0);

describe('stopped for twice its timeout', () => {
  it(`a server raises no alarm about ${PEERS} healthy peers, and still notices a dead one`, async () => {
    const server = await serve(['--mode', `heartbeat=200ms:${TIMEOUT_MS}ms`]);
    const peers = Array.from({ length: PEERS }, () => beating(server.port));
    await server.sees(new RegExp(`#${PEERS} +frame`));
    await stalled(server.child);
    // As long again as it takes to notice, from when it goes on: whoever was to be blamed is by then.
    await passed(3 * TIMEOUT_MS);
    expect(server.printed()).not.toMatch(/noticed/);

    peers[0]?.stop();
    await server.sees(/noticed .*by heartbeat/);
    expect(server.printed().match(/noticed/g)).toHaveLength(1);
  });

  it('a client goes on beating, and is answered', async () => {
    const { address } = await serve(['--mode', 'none']);
    const probe = start(probeArgs(address, '--mode', `heartbeat=200ms:${TIMEOUT_MS}ms`));
    await probe.sees(/beat 3:/);
    await stalled(probe.child);
    await probe.sees(/beat 12:/);
    probe.child.kill('SIGINT');
    const { code, stdout } = await probe.ended;
    expect(code).toBe(130);
    expect(stdout).not.toMatch(/DEAD/);
  });
});

describe('whoever reads its log is gone', () => {
  it.each([1, 2])('a server of %i process(es) goes on without it', async (workers) => {
    const server = await serve(['--workers', String(workers), '--drain-timeout', '1s']);
    server.child.stdout.destroy();
    server.child.stderr.destroy();
    for (const round of [1, 2, 3]) {
      const peer = beating(server.port);
      let answers = 0;
      peer.socket.on('data', () => answers++);
      await until(() => answers >= 3, 10_000);
      expect(answers, `round ${round}`).toBeGreaterThanOrEqual(3);
      peer.stop();
      peer.socket.destroy();
    }
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(143);
  });
});

async function stalled(child: { kill(signal: NodeJS.Signals): boolean }): Promise<void> {
  child.kill('SIGSTOP');
  await passed(2 * TIMEOUT_MS);
  child.kill('SIGCONT');
}

/** Time itself is what is tried here. */
async function passed(ms: number): Promise<void> {
  const end = addMs(monotonicNow(), ms);
  await until(() => msBetween(end, monotonicNow()) >= 0, ms + 10_000);
}

function beating(port: number): { readonly socket: Socket; stop(): void } {
  const socket = connect(port, '127.0.0.1').resume();
  socket.on('error', () => undefined); // the server ends the dead one
  const timer = setInterval(() => socket.write(BEAT), 200);
  const stop = () => clearInterval(timer);
  onTestFinished(() => {
    stop();
    socket.destroy();
  });
  return { socket, stop };
}
