/** `serve` and `probe` against each other, and against servers that are not ours. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProbeResult } from '../../src/core/probe-result.js';
import { freePort } from '../free-port.js';
import { probeArgs, run, serve, start } from './program.js';

describe('a server that hangs', () => {
  it('is noticed within the bound, and told from a silent kernel', async () => {
    const { child, address } = await serve(['--mode', 'none']);
    const probe = start(probeArgs(address, '--mode', 'heartbeat=200ms:1s', '--json'));
    await probe.sees(/beat 3:/);
    child.kill('SIGSTOP');
    const { code, stdout } = await probe.ended;
    const { verdict } = JSON.parse(stdout) as ProbeResult;
    expect(code).toBe(1);
    expect(verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'process' });
    const { silentMs } = verdict as { silentMs: number };
    expect(silentMs).toBeGreaterThanOrEqual(1000);
    expect(silentMs).toBeLessThan(1050);
  });

  it('says so in words', async () => {
    const { child, address } = await serve(['--mode', 'none']);
    const probe = start(probeArgs(address, '--mode', 'heartbeat=200ms:1s'));
    await probe.sees(/beat 2:/);
    child.kill('SIGSTOP');
    const { stdout } = await probe.ended;
    expect(stdout).toMatch(/the kernel acknowledges, the process does not answer/);
    expect(stdout).toMatch(/beats sent, \d+ answered/);
  });

  it('raises no alarm when it goes on before the bound', async () => {
    const { child, address } = await serve(['--mode', 'none']);
    const probe = start(probeArgs(address, '--mode', 'heartbeat=200ms:2s', '--count', '8'));
    await probe.sees(/beat 3:/);
    child.kill('SIGSTOP');
    await probe.sees(/no answer|unanswered/i);
    child.kill('SIGCONT');
    const { code, stdout } = await probe.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/8 answered/);
  });
});

describe('--drop-after', () => {
  it('cuts its own connection without privilege, and notices', async () => {
    const { address } = await serve(['--mode', 'none']);
    const { code, stdout } = await run(
      probeArgs(address, '--mode', 'heartbeat=200ms:1s', '--drop-after', '1s'),
      { as: 'nobody' },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/the peer's kernel is silent too/);
    expect(stdout).toMatch(/this end cut by (min-ttl|socket-filter), proven/);
  });

  it('reports how long the chosen mode took', async () => {
    const { address } = await serve(['--mode', 'none']);
    const args = ['probe', address, '--mode', 'keepalive=1s:1s:1', '--drop-after', '300ms'];
    const { code, stdout } = await run([...args, '--json'], { as: 'nobody' });
    const { drop, verdict } = JSON.parse(stdout) as ProbeResult;
    expect(code).toBe(0);
    expect(verdict).toMatchObject({ kind: 'dead', by: 'ETIMEDOUT', where: 'kernel' });
    expect(drop).toMatchObject({ proven: true, agrees: true });
  });
});

describe('a server with a heartbeat', () => {
  it('stays quiet while its client beats, and notices when the client hangs', async () => {
    const server = await serve(['--mode', 'heartbeat=200ms:800ms']);
    const probe = start(probeArgs(server.address, '--mode', 'heartbeat=200ms:800ms'));
    await probe.sees(/beat 8:/);
    expect(server.printed()).not.toMatch(/noticed/);
    probe.child.kill('SIGSTOP');
    await server.sees(/noticed .*by heartbeat, 0\.8\ds after the last received byte/);
    server.child.kill('SIGTERM');
    const { code, stdout } = await server.ended;
    expect(code).toBe(143);
    expect(stdout).toMatch(/1 connection/);
  });
});

describe('what is no verdict', () => {
  it('a port in use is named', async () => {
    const { port } = await serve([]);
    const { code, stderr } = await run(['serve', '--port', String(port)]);
    expect(code).toBe(3);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: the port is in use`);
  });

  it('a closed port is unreachable', async () => {
    const port = await freePort();
    const { code, stderr } = await run(['probe', `127.0.0.1:${port}`]);
    expect(code).toBe(3);
    expect(stderr).toContain(`cannot connect to 127.0.0.1:${port}: connection refused`);
  });

  it('a peer that never answers one beat may speak another protocol', async () => {
    const mute = createServer((socket) => socket.resume().on('error', () => undefined));
    onTestFinished(() => void mute.close());
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as { port: number };
    const { code, stderr } = await run(
      probeArgs(`127.0.0.1:${port}`, '--mode', 'heartbeat=100ms:400ms'),
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(/: not one beat was answered in .*\(NO_ANSWER\)/);
    expect(stderr).toMatch(/--mode keepalive/);
  });
});

describe('--reconnect', () => {
  it('connects again when the server has come back', async () => {
    const first = await serve(['--mode', 'none']);
    const args = probeArgs(first.address, '--mode', 'heartbeat=100ms:500ms', '--reconnect');
    const probe = start(args);
    await probe.sees(/beat 2:/);
    first.child.kill('SIGKILL');
    await first.ended;
    await probe.sees(/connecting again|reconnect/i);
    const second = start(['serve', '--port', String(first.port)]);
    await second.sees(/listening/);
    await second.sees(/opened/);
    probe.child.kill('SIGINT');
    const { code, stdout } = await probe.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/beats? sent/);
  });
});
