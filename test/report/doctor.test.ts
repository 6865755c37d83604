import { describe, expect, it } from 'vitest';
import { capabilityNames, type CapabilityName } from '../../src/core/capabilities.js';
import { diagnose, type DoctorFacts, type DoctorResult } from '../../src/core/doctor.js';
import { reportDoctor } from '../../src/report/doctor.js';
import { plainStyle, resultOf } from './comparison-fixture.js';

const everything = { ...resultOf().capabilities, sockDestroy: true };

function factsWithout(
  missing: readonly CapabilityName[],
  changes: Partial<Omit<DoctorFacts, 'host'>> & { host?: Partial<DoctorFacts['host']> } = {},
): DoctorFacts {
  const host = { kernel: '6.18.44', node: '20.20.2', platform: 'linux', userId: 1000, hz: 250 };
  return {
    capabilities: {
      ...everything,
      ...Object.fromEntries(missing.map((name) => [name, false])),
    },
    namespaceRefusal: changes.namespaceRefusal ?? null,
    host: { ...host, ...changes.host },
  };
}

function examined(facts: DoctorFacts): DoctorResult {
  return { schema: 'tcpalive/doctor/1', ...facts, commands: diagnose(facts) };
}

function diagnosisOf(command: string, facts: DoctorFacts) {
  return diagnose(facts).find((each) => each.command === command);
}

describe('diagnose', () => {
  it('has nothing to change where everything can be had', () => {
    for (const { works, fix } of diagnose(factsWithout([], { host: { userId: 0 } }))) {
      expect({ works, fix }).toEqual({ works: 'yes', fix: '' });
    }
  });

  it('takes the next engine without loss where a filter is refused', () => {
    const facts = factsWithout(['socketFilter']);
    expect(diagnosisOf('compare', facts)).toEqual({
      command: 'compare',
      works: 'yes',
      because: 'in a private network namespace, cut by a minimum TTL',
      fix: '',
    });
    expect(diagnosisOf('probe --drop-after', facts)?.works).toBe('yes');
  });

  it('compares on the host where no namespace can be had', () => {
    expect(diagnosisOf('compare', factsWithout(['namespace', 'socketFilter']))).toMatchObject({
      works: 'partly',
      because: "on the host's loopback with a minimum TTL: no private network namespace",
    });
  });

  it.each([
    ['unshare failed: No space left on device', 1000, 'sysctl -w user.max_user_namespaces=15000'],
    ['unshare (util-linux) is not installed', 1000, 'apt-get install util-linux'],
    ['unshare: command not found', 0, 'apt-get install util-linux'],
    [
      'unshare failed: Operation not permitted',
      1000,
      'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    ['unshare failed: Operation not permitted', 0, 'docker run --cap-add SYS_ADMIN'],
  ])('knows what helps when unshare says %j to user %d', (namespaceRefusal, userId, fix) => {
    const facts = factsWithout(['namespace'], { namespaceRefusal, host: { userId } });
    expect(diagnosisOf('compare', facts)?.fix).toBe(fix);
  });

  it('works with beats alone where Node is alone', () => {
    const node = factsWithout(capabilityNames);
    expect(diagnose(node).map(({ command, works, fix }) => [command, works, fix])).toEqual([
      ['compare', 'no', 'npm install koffi'],
      ['serve', 'partly', 'npm install koffi'],
      ['probe', 'partly', 'npm install koffi'],
      ['probe --drop-after', 'no', 'npm install koffi'],
      ['probe --vanish', 'no', 'npm install koffi'],
      ['probe --idle-limit', 'no', 'npm install koffi'],
      ['ls', 'partly', ''],
      ['ls --ask', 'no', 'npm install koffi'],
      ['protect', 'no', 'npm install koffi'],
      ['reap', 'no', 'sudo tcpalive reap'],
      ['guard', 'no', 'npm install koffi'],
      ['doctor', 'yes', ''],
    ]);
    const elsewhere = factsWithout(capabilityNames, { host: { platform: 'darwin' } });
    expect(diagnose(elsewhere).every(({ fix }) => fix === '')).toBe(true);
  });

  it('lets a client vanish without a filter too, not everywhere as well', () => {
    expect(diagnosisOf('probe --vanish', factsWithout(['socketFilter']))).toEqual({
      command: 'probe --vanish',
      works: 'partly',
      because: 'by the hop limit behind a router; elsewhere by a minimum TTL, which hides goodbyes',
      fix: 'sudo tcpalive probe',
    });
    const contained = factsWithout(['socketFilter', 'minTtl'], { host: { userId: 0 } });
    expect(diagnosisOf('probe --vanish', contained)).toMatchObject({
      works: 'partly',
      because: 'by the hop limit behind a router; elsewhere not on this host or link',
      fix: '',
    });
  });

  it.each([
    ['keepaliveTuning', 'heartbeat and idle-timeout work; keepalive cannot be set'],
    ['userTimeout', 'heartbeat and idle-timeout work; user-timeout cannot be set'],
  ] as const)('without %s says which modes are left', (name, because) => {
    expect(diagnosisOf('serve', factsWithout([name]))).toMatchObject({ works: 'partly', because });
    expect(diagnosisOf('compare', factsWithout([name]))?.works).toBe('partly');
  });

  it('shows every connection to anybody, and the owners of others only to root', () => {
    expect(diagnosisOf('ls', factsWithout([]))).toMatchObject({
      works: 'partly',
      fix: 'sudo tcpalive ls',
    });
    expect(diagnosisOf('ls --ask', factsWithout([]))).toMatchObject({
      works: 'partly',
      fix: 'sudo tcpalive ls --ask',
    });
    expect(diagnosisOf('reap', factsWithout(['sockDestroy']))?.works).toBe('no');
  });

  it('tells when lingering rows come without evidence', () => {
    expect(diagnosisOf('compare', factsWithout(['sockDiag']))?.works).toBe('partly');
  });
});

describe('reportDoctor', () => {
  it('lists capabilities, commands and what to type', () => {
    const facts = factsWithout(['namespace', 'sockDestroy', 'socketFilter'], {
      namespaceRefusal: 'unshare failed: No space left on device\x1b[2J',
    });
    expect(reportDoctor(examined(facts), { format: 'table', style: plainStyle }))
      .toMatchInlineSnapshot(`
        "Linux 6.18.44, Node 20.20.2, user 1000, 250 ticks a second

        HERE  CAPABILITY
        no    drop segments with a socket filter (SO_ATTACH_FILTER)
        yes   drop segments with a minimum TTL (IP_MINTTL)
        no    run in a private network namespace (unshare): unshare failed: No space left on device\\x1b[2J
        yes   read what the kernel knows of a connection (TCP_INFO)
        yes   set the keepalive times of a socket (TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT)
        yes   set TCP_USER_TIMEOUT
        yes   set TCP_RTO_MAX_MS (Linux 6.15 and later)
        yes   read a connection's timer (sock_diag)
        no    end a connection from outside (SOCK_DESTROY)
        yes   reach another process's sockets (pidfd_getfd)

        WORKS   COMMAND             BECAUSE
        partly  compare             on the host's loopback with a minimum TTL: no private network namespace
        yes     serve               every mode can be had
        yes     probe               every mode can be had
        yes     probe --drop-after  cut by a minimum TTL
        partly  probe --vanish      by the hop limit behind a router; elsewhere by a minimum TTL, which hides goodbyes
        yes     probe --idle-limit  asked by keepalive probes of the kernel
        partly  ls                  every connection, but not who holds other users' nor its options
        partly  ls --ask            on this user's programs, where kernel.yama.ptrace_scope is 0
        partly  protect             on this user's programs, where kernel.yama.ptrace_scope is 0
        no      reap                SOCK_DESTROY is refused: it takes root and CONFIG_INET_DIAG_DESTROY
        yes     guard               services are adopted, ended with all that they start, and heard
        yes     doctor              it only looks

        To change that:
          sysctl -w user.max_user_namespaces=15000  (for compare)
          sudo tcpalive probe  (for probe --vanish)
          sudo tcpalive ls  (for ls)
          sudo tcpalive ls --ask  (for ls --ask)
          sudo tcpalive protect  (for protect)
          sudo tcpalive reap  (for reap)
        "
      `);
  });

  it('has nothing to change on a machine that has everything, without colour', () => {
    const facts = factsWithout([], { host: { hz: null, userId: 0 } });
    const text = reportDoctor(examined(facts), { format: 'table', style: plainStyle });
    expect(text).not.toContain('To change that');
    expect(text.split('\n')[0]).toBe('Linux 6.18.44, Node 20.20.2, root, ticks a second unknown');
    expect(
      reportDoctor(examined(facts), { format: 'table', style: { ...plainStyle, color: true } }),
    ).toBe(text);
  });

  it('colours what is missing', () => {
    const facts = factsWithout(capabilityNames);
    const style = { ...plainStyle, color: true };
    const text = reportDoctor(examined(facts), { format: 'table', style });
    expect(text).toContain('\x1b[31mno\x1b[39m');
    expect(text).toContain('\x1b[33mpartly\x1b[39m');
  });

  it('is the result itself as JSON', () => {
    const result = examined(factsWithout(['namespace'], { namespaceRefusal: 'EPERM' }));
    const text = reportDoctor(result, { format: 'json', style: plainStyle });
    expect(JSON.parse(text)).toEqual(result);
    expect(text.endsWith('}\n')).toBe(true);
  });
});
