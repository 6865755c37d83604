import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { everySocket } from '../../../src/core/idle-sockets.js';
import { loadLibc } from '../../../src/kernel/linux/libc.js';
import { SOL_SOCKET, writeInt } from '../../../src/kernel/linux/socket-options.js';
import type { WayOut } from '../../../src/kernel/socket-view.js';
import {
  lacksNamespace,
  privateNamespace,
  type PrivateNamespace,
} from '../../host/private-namespace.js';
import { Sockets } from '../../host/sockets.js';
import { kernel, SOON_MS, TEST_MS } from '../../real-kernel.js';
import { until } from '../../until.js';

/** RFC 5737 and RFC 3849: addresses that are nobody's. */
const OWN = '192.0.2.1';
const OWN6 = '2001:db8::1';
const NEAR = '192.0.2.9';
const NEAR6 = '2001:db8::9';
const FAR = '198.51.100.7';
const ROUTER = '192.0.2.254';

const libc = loadLibc();

describe.skipIf(lacksNamespace)('whether anything leaves this host (needs root)', () => {
  let namespace: PrivateNamespace;

  beforeEach(async () => {
    namespace = await privateNamespace();
    ip('link add near type veth peer name far');
    ip(`addr add ${OWN}/24 dev near`);
    ip('link set near up');
    ip('link set far up');
    ip(`-6 addr add ${OWN6}/64 dev near nodad`);
    // The kernel takes notice of a carrier in its own time.
    await until(() => wayTo(NEAR6, OWN6)?.kind === 'open', SOON_MS);
  });

  afterEach(() => namespace.close());

  function ip(words: string): void {
    namespace.inside(() => execFileSync('ip', words.split(' '), { stdio: 'pipe' }));
  }

  function wayTo(peer: string, local = OWN, askRouters = false): WayOut | undefined {
    const connection = {
      local: { address: local, port: 443 },
      peer: { address: peer, port: 40_001 },
      interfaceIndex: 0,
      userId: 0,
      cookie: null,
    };
    return namespace.inside(() => kernel.waysOut([connection], askRouters))[0];
  }

  const open = { kind: 'open', link: expect.any(String) as string };
  const shut = (reason: string) => ({ kind: 'shut', link: null, reason });

  it('it does, to whoever there is, here or elsewhere', () => {
    expect(wayTo(NEAR)).toEqual(open);
    expect(wayTo(NEAR6, OWN6)).toEqual(open);
    expect(wayTo(OWN)).toEqual(open);
    expect(wayTo('127.0.0.1', '127.0.0.1')).toEqual(open);
    expect(wayTo('::1', '::1')).toEqual(open);
  });

  it('from any address that a route makes its own', () => {
    expect(wayTo(NEAR, '203.0.113.7')).toEqual(
      shut('203.0.113.7 is no address of this host any more'),
    );
    ip('route add local 203.0.113.0/24 dev lo');
    expect(wayTo(NEAR, '203.0.113.7')).toEqual(open);
  });

  it('not on a link without a carrier, and again when it is back, which shows', () => {
    const before = wayTo(NEAR);
    ip('link set far down');
    expect(wayTo(NEAR)).toEqual(shut('near has no carrier'));
    expect(wayTo(NEAR6, OWN6)).toEqual(shut('near has no carrier'));
    ip('link set far up');
    expect(wayTo(NEAR)).toEqual(open);
    expect(wayTo(NEAR)).not.toEqual(before);
  });

  it('not without the address, nor without a route', () => {
    ip(`addr del ${OWN}/24 dev near`);
    ip(`addr del ${OWN6}/64 dev near`);
    ip(`addr add 192.0.2.2/24 dev near`);
    ip('-6 addr add 2001:db8::2/64 dev near nodad');
    expect(wayTo(NEAR)).toEqual(shut(`${OWN} is no address of this host any more`));
    expect(wayTo(NEAR6, OWN6)).toEqual(shut(`${OWN6} is no address of this host any more`));
    expect(wayTo(FAR, '192.0.2.2')).toEqual(shut('there is no route (ENETUNREACH)'));
    ip('link set near down');
    expect(wayTo(NEAR, '192.0.2.2')).toEqual(shut('there is no route (ENETUNREACH)'));
  });

  it(
    'not by a router that is not there; that somebody on the link is not there proves nothing',
    { timeout: TEST_MS },
    async () => {
      ip(`route add default via ${ROUTER}`);
      ip(`neigh add ${ROUTER} dev near lladdr 02:00:00:00:00:01 nud reachable`);
      expect(wayTo(FAR)).toEqual(open);
      expect(wayTo(FAR, OWN, true)).toMatchObject({ kind: 'unsettled' });
      await until(() => wayTo(FAR)?.kind === 'shut', SOON_MS);
      expect(wayTo(FAR)).toEqual({
        ...open,
        kind: 'shut',
        reason: `the router ${ROUTER} does not answer on near`,
      });
      ip(`neigh replace ${NEAR} dev near nud failed`);
      expect(wayTo(NEAR)).toEqual(open);
    },
  );

  it('asks no router whose address somebody has set', () => {
    ip(`route add default via ${ROUTER}`);
    ip(`neigh add ${ROUTER} dev near lladdr 02:00:00:00:00:01 nud permanent`);
    expect(wayTo(FAR, OWN, true)).toEqual(open);
    ip(`neigh replace ${ROUTER} dev near lladdr 02:00:00:00:00:01 nud reachable extern_learn`);
    expect(wayTo(FAR, OWN, true)).toEqual(open);
  });

  it('by the rule of its ports, which its addresses do not show', () => {
    ip('rule add ipproto tcp sport 443 table 7');
    ip('route add unreachable default table 7');
    expect(wayTo(NEAR)).toEqual(shut('there is no route (EHOSTUNREACH)'));
  });

  it('by the rule of its mark, and from an address that is nobody’s, as its socket has it', () => {
    const sockets = new Sockets();
    onTestFinished(() => sockets.closeAll());
    const SO_MARK = 36;
    const IP_TRANSPARENT = 19;
    /** To somebody who does not answer. */
    const wayOf = (level: number, option: number, value: number) =>
      namespace.inside(() => {
        const fd = sockets.connect({ address: NEAR, port: 443 }, (made) => {
          if (libc !== undefined) writeInt(libc, made, level, option, value);
        });
        const cookie = kernel.cookie(fd);
        const [socket] = [...everySocket(kernel.tcpSockets())].filter(
          (each) => each.cookie === cookie,
        );
        return () =>
          namespace.inside(() => kernel.waysOut(socket === undefined ? [] : [socket], false))[0];
      });
    const marked = wayOf(SOL_SOCKET, SO_MARK, 9);
    const transparent = wayOf(0, IP_TRANSPARENT, 1);
    const plain = wayOf(0, IP_TRANSPARENT, 0);
    ip('rule add fwmark 9 table 7');
    ip('route add unreachable default table 7');
    expect(marked()).toEqual(shut('there is no route (EHOSTUNREACH)'));
    expect(plain()).toEqual(open);
    ip(`addr del ${OWN}/24 dev near`);
    ip(`addr add 192.0.2.2/24 dev near`);
    expect(plain()).toEqual(shut(`${OWN} is no address of this host any more`));
    expect(transparent()).toEqual(open);
  });
});
