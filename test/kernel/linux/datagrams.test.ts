import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { openDescriptors, kernel, lacks, SOON_MS } from '../../real-kernel.js';
import { until } from '../../until.js';

const OTHER_PROGRAM = `
import array, os, socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
path = sys.argv[1]
end.connect('\\0' + path[1:] if path[0] == '@' else path)
end.send(b'READY=1')
handed = array.array('i', [0, 1])
end.sendmsg([b'FDSTORE=1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)])
end.send(b'')
end.send(b'x' * 4096)
end.send(b'x' * 4097)
`;

describe.skipIf(platform() !== 'linux' || lacks('pidfd'))('datagrams', () => {
  it.each(['a path', 'an abstract address'])(
    'at %s wake us up, name their sender, and leave nothing open',
    async (kind) => {
      const path = kind === 'a path' ? freshPath() : `@tcpalive-${randomUUID()}`;
      const before = openDescriptors();
      const datagrams = kernel.receiveDatagrams(path);
      const got: unknown[] = [];
      const drain = () => {
        for (let each = datagrams.receive(); each; each = datagrams.receive()) {
          got.push([each.pid, each.bytes?.length === 4096 ? 'full' : each.bytes?.toString()]);
        }
      };
      process.on('SIGURG', drain);
      onTestFinished(() => void process.off('SIGURG', drain));
      const { pid = 0 } = spawn('python3', ['-c', OTHER_PROGRAM, path]);
      await until(() => got.length === 5, SOON_MS);
      expect(got).toEqual([
        [pid, 'READY=1'],
        [pid, 'FDSTORE=1'],
        [pid, ''],
        [pid, 'full'],
        [pid, undefined],
      ]);
      datagrams.close();
      datagrams.close();
      expect(datagrams.receive()).toBeUndefined();
      await until(() => openDescriptors() === before, SOON_MS);
    },
  );

  it('are sent without waiting, and refused where nobody listens or reads', () => {
    const path = freshPath();
    expect(() => kernel.sendDatagram(path, Buffer.from('x'))).toThrow(KernelRefusal);
    const before = openDescriptors();
    const datagrams = kernel.receiveDatagrams(path);
    kernel.sendDatagram(path, Buffer.from('BARRIER=1'));
    expect(datagrams.receive()).toEqual({ bytes: Buffer.from('BARRIER=1'), pid: process.pid });
    expect(datagrams.receive()).toBeUndefined();
    const flood = () => {
      for (;;) kernel.sendDatagram(path, Buffer.from('WATCHDOG=1'));
    };
    expect(flood).toThrow('sendto: EAGAIN');
    datagrams.close();
    expect(() => kernel.sendDatagram(path, Buffer.from('x'))).toThrow('sendto: ECONNREFUSED');
    expect(openDescriptors()).toBe(before);
    expect(() => kernel.receiveDatagrams(path)).toThrow('bind: EADDRINUSE');
    expect(() => kernel.receiveDatagrams(`@${'x'.repeat(108)}`)).toThrow('ENAMETOOLONG');
    expect(openDescriptors()).toBe(before);
  });
});

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-datagrams-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'notify');
}
