/** What a stranger may send to `serve`: it is closed with a reason, and costs nothing that stays. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { probeArgs, run, serve } from './program.js';

const ATTEMPTS = 100_000;
const AT_A_TIME = 64;

/** The first tenth fills Node's own pools; after that nothing may grow. */
const SETTLED = ATTEMPTS / 10;
const GROWTH_MIB = 32;

describe('a stranger', () => {
  it('who announces too much is closed with the reason', async () => {
    const server = await serve(['--max-frame', '100']);
    await send(server.port, Uint8Array.of(0xff, 0xff, 1, 2, 3));
    await server.sees(/closed .*violation: frame of 65535 bytes announced, at most 100 accepted/);
  });

  it('who sends half a frame and leaves is closed, and so is one who sends anything', async () => {
    const server = await serve(['--max-frame', '100']);
    await send(server.port, Uint8Array.of(0, 50, 1, 2, 3));
    await server.sees(/#1 +closed .*by FIN/);
    await send(server.port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await server.sees(/#2 +closed .*by violation/);
    const { code } = await run(probeArgs(server.address, '--count', '1'));
    expect(code).toBe(0);
  });

  it('beyond the most connections is refused, and the others live', async () => {
    const server = await serve(['--max-connections', '1']);
    const held = connect(server.port, '127.0.0.1');
    await server.sees(/#1 +opened/);
    await send(server.port, Uint8Array.of(0, 0));
    await server.sees(/refused .*--max-connections/);
    expect(server.printed()).not.toMatch(/#1 +closed/);
    held.destroy();
    await server.sees(/#1 +closed/);
  });

  it(`costs no memory that stays, ${ATTEMPTS} times over`, { timeout: 240_000 }, async () => {
    const server = await serve(['--max-frame', '100']);
    server.child.stdout.removeAllListeners('data').resume();
    const attempts = [
      Uint8Array.of(0xff, 0xff), // too much announced
      Uint8Array.of(0, 100, 1), // cut off in its payload
      Uint8Array.of(0), // cut off in its length
      randomBytes(64),
    ];
    let settledMib = 0;
    let done = 0;
    const worker = async () => {
      while (done < ATTEMPTS) {
        const attempt = attempts[done % attempts.length] ?? new Uint8Array();
        if (done++ === SETTLED) settledMib = residentMib(server.child.pid);
        await send(server.port, attempt);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    expect(settledMib).toBeGreaterThan(10);
    expect(residentMib(server.child.pid) - settledMib).toBeLessThan(GROWTH_MIB);
    const { code } = await run(probeArgs(server.address, '--count', '1'));
    expect(code).toBe(0);
  });
});

/** Connects, sends, says goodbye; resolves when the connection is gone, however it went. */
function send(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume().end(bytes);
  });
}

/** The same on every run: a failure can be looked at again. */
function randomBytes(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state & 0xff;
  });
}

function residentMib(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
