import { expect, it } from 'vitest';
import { sendKeepaliveProbe, stopKeepalive } from '../../src/net/keepalive-probe.js';
import { openPair } from '../kernel/linux/loopback.js';
import { kernel, lacks } from '../real-kernel.js';

const lacksProbe = lacks('keepaliveTuning');

it.skipIf(lacksProbe)(
  'a connection is asked, until that is enough (needs keepaliveTuning)',
  async () => {
    const { observer } = await openPair();
    expect(sendKeepaliveProbe(kernel, observer.fd)).toBe(true);
    expect(kernel.optionValues(observer.fd)).toMatchObject({ keepalive: true, idleSeconds: 1 });
    expect(stopKeepalive(kernel, observer.fd)).toBe(true);
    expect(kernel.optionValues(observer.fd).keepalive).toBe(false);
  },
);

it.skipIf(lacksProbe)(
  'what is no connection any more takes nothing (needs keepaliveTuning)',
  () => {
    const gone = -1;
    expect(sendKeepaliveProbe(kernel, gone)).toBe(false);
    expect(stopKeepalive(kernel, gone)).toBe(false);
  },
);
