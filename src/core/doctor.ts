/** What each command can do on this machine, with these rights, and what to type to change that. */
import type { Capabilities } from './capabilities.js';

export interface DoctorResult extends DoctorFacts {
  readonly schema: 'tcpalive/doctor/1';
  readonly commands: readonly CommandDiagnosis[];
}

/** What was found by trying; `diagnose` draws the conclusions. */
export interface DoctorFacts {
  readonly host: {
    readonly kernel: string;
    readonly node: string;
    /** As Node names it: `linux`, `darwin`, `win32`. */
    readonly platform: string;
    /** Null where users have no number. */
    readonly userId: number | null;
    /** Ticks a second; null where the kernel does not tell. */
    readonly hz: number | null;
  };
  readonly capabilities: Capabilities;
  /** What `unshare` said; null: a private network namespace can be had. */
  readonly namespaceRefusal: string | null;
}

export interface CommandDiagnosis {
  readonly command: string;
  readonly works: 'yes' | 'partly' | 'no';
  readonly because: string;
  /** What to type; empty: nothing needs changing, or nothing that can be typed would help. */
  readonly fix: string;
}

export function diagnose(facts: DoctorFacts): readonly CommandDiagnosis[] {
  return [
    { command: 'compare', ...compare(facts) },
    { command: 'serve', ...modes(facts) },
    { command: 'probe', ...modes(facts) },
    { command: 'probe --drop-after', ...dropAfter(facts) },
    { command: 'probe --vanish', ...vanish(facts) },
    { command: 'probe --idle-limit', ...idleLimit(facts) },
    { command: 'ls', ...table(facts) },
    { command: 'ls --ask', ...otherProcesses(facts, 'ls --ask') },
    { command: 'protect', ...otherProcesses(facts, 'protect') },
    { command: 'reap', ...reap(facts) },
    { command: 'guard', ...guard(facts) },
    { command: 'doctor', works: 'yes', because: 'it only looks', fix: '' },
  ];
}

type Diagnosis = Omit<CommandDiagnosis, 'command'>;

function compare(facts: DoctorFacts): Diagnosis {
  const { capabilities } = facts;
  const engine = engineWords(capabilities);
  if (engine === undefined) return noEngine(facts);
  const missing = missingModes(capabilities);
  if (missing.length > 0) {
    const because = `rows that need ${missing.join(' or ')} cannot be measured`;
    return { works: 'partly', because, fix: kernelFix(facts) };
  }
  if (!capabilities.namespace) {
    const because = `on the host's loopback with ${engine}: no private network namespace`;
    return { works: 'partly', because, fix: namespaceFix(facts) };
  }
  if (!capabilities.sockDiag) {
    const because = 'what lingers is shown without the timer that the kernel keeps for it';
    return { works: 'partly', because, fix: kernelFix(facts) };
  }
  // Inside the namespace we are root: the filter may work there though it was refused out here.
  return { works: 'yes', because: `in a private network namespace, cut by ${engine}`, fix: '' };
}

function modes(facts: DoctorFacts): Diagnosis {
  const missing = missingModes(facts.capabilities);
  if (missing.length === 0) return { works: 'yes', because: 'every mode can be had', fix: '' };
  const because = `heartbeat and idle-timeout work; ${missing.join(' and ')} cannot be set`;
  return { works: 'partly', because, fix: kernelFix(facts) };
}

function dropAfter(facts: DoctorFacts): Diagnosis {
  const engine = engineWords(facts.capabilities);
  return engine === undefined
    ? noEngine(facts)
    : { works: 'yes', because: `cut by ${engine}`, fix: '' };
}

/** Whether the hop limit helps depends on the server: it is tried on each. */
function vanish(facts: DoctorFacts): Diagnosis {
  const { socketFilter, minTtl } = facts.capabilities;
  if (!canAsk(facts)) return cannotAsk(facts);
  if (socketFilter) {
    return { works: 'yes', because: 'by a socket filter that lets goodbyes pass', fix: '' };
  }
  const near = minTtl ? 'by a minimum TTL, which hides goodbyes' : 'not on this host or link';
  const because = `by the hop limit behind a router; elsewhere ${near}`;
  const canHelp = facts.host.platform === 'linux' && facts.host.userId !== 0;
  return { works: 'partly', because, fix: canHelp ? 'sudo tcpalive probe' : '' };
}

function idleLimit(facts: DoctorFacts): Diagnosis {
  return canAsk(facts)
    ? { works: 'yes', because: 'asked by keepalive probes of the kernel', fix: '' }
    : cannotAsk(facts);
}

function canAsk({ capabilities }: DoctorFacts): boolean {
  return capabilities.tcpInfo && capabilities.keepaliveTuning;
}

function cannotAsk(facts: DoctorFacts): Diagnosis {
  const because = 'a connection cannot be asked without a byte, nor its answer be seen';
  return { works: 'no', because, fix: kernelFix(facts) };
}

function table({ host, capabilities }: DoctorFacts): Diagnosis {
  if (!capabilities.sockDiag) {
    const because = "only with --from: the kernel's table of sockets cannot be read";
    return { works: 'partly', because, fix: '' };
  }
  if (host.userId !== 0) {
    const because = "every connection, but not who holds other users' nor its options";
    return { works: 'partly', because, fix: 'sudo tcpalive ls' };
  }
  return { works: 'yes', because: 'every connection, its owner and its options', fix: '' };
}

function reap({ host, capabilities }: DoctorFacts): Diagnosis {
  if (capabilities.sockDestroy) return { works: 'yes', because: 'SOCK_DESTROY', fix: '' };
  const because = 'SOCK_DESTROY is refused: it takes root and CONFIG_INET_DIAG_DESTROY';
  const canHelp = host.platform === 'linux' && host.userId !== 0;
  return { works: 'no', because, fix: canHelp ? 'sudo tcpalive reap' : '' };
}

/** What it takes of the kernel has been there since 5.3 (pidfd_open); TCP_INFO tells that it can be asked at all. */
function guard(facts: DoctorFacts): Diagnosis {
  if (facts.capabilities.tcpInfo && facts.host.platform === 'linux') {
    const because = 'services are adopted, ended with all that they start, and heard';
    return { works: 'yes', because, fix: '' };
  }
  const because = 'what a service leaves behind cannot be adopted, nor its notifications be heard';
  return { works: 'no', because, fix: kernelFix(facts) };
}

/** What reaches into other processes. */
function otherProcesses(facts: DoctorFacts, command: string): Diagnosis {
  const { host, capabilities } = facts;
  if (!capabilities.sockDiag || !capabilities.pidfd) {
    const because = "other processes' sockets cannot be reached";
    return { works: 'no', because, fix: kernelFix(facts) };
  }
  if (host.userId === 0) return { works: 'yes', because: 'on any program', fix: '' };
  const because = "on this user's programs, where kernel.yama.ptrace_scope is 0";
  return { works: 'partly', because, fix: `sudo tcpalive ${command}` };
}

function noEngine(facts: DoctorFacts): Diagnosis {
  const because = 'neither a socket filter nor a minimum TTL can drop segments';
  return { works: 'no', because, fix: kernelFix(facts) };
}

function engineWords({ socketFilter, minTtl }: Capabilities): string | undefined {
  if (socketFilter) return 'a socket filter';
  return minTtl ? 'a minimum TTL' : undefined;
}

function missingModes({ keepaliveTuning, userTimeout }: Capabilities): readonly string[] {
  return [...(keepaliveTuning ? [] : ['keepalive']), ...(userTimeout ? [] : ['user-timeout'])];
}

/** Socket options are reached through koffi; TCP_INFO is refused by no kernel that has it. */
function kernelFix({ host, capabilities }: DoctorFacts): string {
  return host.platform === 'linux' && !capabilities.tcpInfo ? 'npm install koffi' : '';
}

/** What `unshare` says is its errno in words; user_namespaces(7) and unshare(2) give the causes. */
function namespaceFix({ host, namespaceRefusal }: DoctorFacts): string {
  if (host.platform !== 'linux') return '';
  const refusal = namespaceRefusal ?? '';
  if (/ENOENT|not (found|installed)/i.test(refusal)) return 'apt-get install util-linux';
  if (/EPERM|EACCES|not permitted|denied/i.test(refusal)) {
    // Root is refused inside a container, everybody else by Ubuntu's AppArmor.
    return host.userId === 0
      ? 'docker run --cap-add SYS_ADMIN'
      : 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  }
  // ENOSPC: the limit is reached, and on hardened systems it is 0.
  return 'sysctl -w user.max_user_namespaces=15000';
}
