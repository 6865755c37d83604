import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Selection } from '../../src/core/selection.js';
import { takeSurvey } from '../../src/host/survey.js';
import { KernelRefusal } from '../../src/kernel/kernel.js';
import { kernel, lacks, TEST_MS } from '../real-kernel.js';
import { lacksNamespace, privateNamespace, type PrivateNamespace } from './private-namespace.js';
import { Sockets } from './sockets.js';

const NAME = `tcpalive-test-${process.pid}`;

describe.skipIf(lacksNamespace)(
  'another network namespace (needs root)',
  { timeout: TEST_MS },
  () => {
    const sockets = new Sockets();
    let namespace: PrivateNamespace;
    let port: number;

    beforeAll(async () => {
      namespace = await privateNamespace();
      ({ port } = namespace.inside(() => sockets.listen()).at);
    });

    afterAll(() => {
      sockets.closeAll();
      namespace.close();
    });

    async function taken(namespaces?: string, selection: Selection = {}) {
      const survey = await takeSurvey(kernel, { namespaces, selection, owners: true });
      const listener = survey.listeners.find(
        (each) => each.namespace === namespace.id && each.local.port === port,
      );
      return { ...survey, listener };
    }

    it('is not looked at unless asked for, and that is said', async () => {
      const { namespaces, listener } = await taken();
      expect(listener).toBeUndefined();
      expect(namespaces[0]).toMatchObject({ id: here(), shown: true });
      expect(namespaces.find(({ id }) => id === namespace.id)).toMatchObject({ shown: false });
    });

    it('is where a process was looked for in vain, and that is said there alone', async () => {
      const { pid } = namespace;
      const there = `process ${pid} is in another network namespace: ls --netns ${pid} looks there`;
      const said = ({ notes }: { readonly notes: readonly string[] }) =>
        notes.filter((note) => note.startsWith(there)).length;
      expect(said(await taken(undefined, { pid }))).toBe(1);
      expect(said(await taken(`${pid}`, { pid }))).toBe(0);
      expect(said(await taken('all', { pid }))).toBe(0);
      expect(said(await taken(undefined, { pid: process.pid }))).toBe(0);
    });

    it.each([
      ['by a process', () => String(namespace.pid)],
      ['by a path', () => namespace.path],
      [
        'by a path that is a link to it',
        () => `/proc/${namespace.pid}/task/${namespace.pid}/ns/net`,
      ],
      ['with all others', () => 'all'],
    ])('is found %s', async (_, choice) => {
      const { namespaces, listener, partial } = await taken(choice());
      expect(listener).toMatchObject({ process: { pid: process.pid } });
      expect(namespaces.filter(({ id }) => id === namespace.id)).toEqual([
        { id: namespace.id, name: `process ${namespace.pid}'s`, shown: true },
      ]);
      expect(namespaces.find(({ id }) => id === here())?.shown).toBe(choice() === 'all');
      expect(partial).toBe(false);
    });

    it('is found by its name', async ({ skip, onTestFinished }) => {
      const path = `/run/netns/${NAME}`;
      const isOurs = !existsSync('/run/netns');
      mkdirSync('/run/netns', { recursive: true });
      closeSync(openSync(path, 'w'));
      onTestFinished(() => {
        spawnSync('umount', [path]);
        rmSync(path);
        if (isOurs) rmSync('/run/netns', { recursive: true });
      });
      skip(spawnSync('mount', ['--bind', namespace.path, path]).status !== 0, 'cannot mount');
      const { namespaces, listener } = await taken(NAME);
      expect(listener).toBeDefined();
      expect(namespaces.filter(({ shown }) => shown)).toEqual([
        { id: namespace.id, name: NAME, shown: true },
      ]);
    });

    it.each(['no-such-name', '4194305', '/no/such/path', '/dev/null', '/proc/self/ns/mnt', '../x'])(
      'refuses %s',
      async (choice) => {
        const before = descriptors();
        await expect(taken(choice)).rejects.toMatchObject({ code: 'NO_TARGET' });
        expect(descriptors()).toBe(before);
        expect(inside()).toBe(here());
      },
    );

    it('is left again, whatever happens there, and nothing is left open', async () => {
      const home = here();
      const before = descriptors();
      expect(kernel.inNetworkNamespace(namespace.path, inside)).toBe(namespace.id);
      const bug = new Error('a bug');
      const failing = () =>
        kernel.inNetworkNamespace(namespace.path, () => {
          expect(inside()).toBe(namespace.id);
          throw bug;
        });
      expect(failing).toThrow(bug);
      expect(() => kernel.inNetworkNamespace('/dev/null', inside)).toThrow(KernelRefusal);
      expect(() => kernel.inNetworkNamespace('/no/such/path', inside)).toThrow(KernelRefusal);
      for (let times = 0; times < 5; times++) await taken(String(namespace.pid));
      expect(inside()).toBe(home);
      expect(descriptors()).toBe(before);
    });

    it.skipIf(lacks('tcpInfo'))('has sysctls of its own, and fates are by them', async () => {
      const other = await privateNamespace({ tcp_retries2: 3 });
      const { connected } = await sockets.pair(other.inside);
      expect(connected).toBeGreaterThan(0);
      const survey = await takeSurvey(kernel, {
        namespaces: String(other.pid),
        selection: {},
        owners: true,
      });
      other.close();
      expect(survey.connections[0]?.fate).toMatchObject({
        kind: 'forever',
        busy: { kind: 'within', ms: { max: expect.closeTo(7000, -4) as number } },
      });
    });
  },
);

/** Of this thread, by the kernel itself. */
function inside(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}

function here(): string | undefined {
  return kernel.networkNamespace(process.pid)?.id;
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
