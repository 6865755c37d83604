/**
 * All that a guardian is to do, read before anything is started: services, what their servers speak, and
 * which certificates are trusted.
 */
import { readFile } from 'node:fs/promises';
import type { CheckConfig, GuardConfig, ServiceConfig } from '../core/guard/service-config.js';
import { formatEndpoint } from '../core/endpoint.js';
import type { Speech } from '../core/speech.js';
import { TcpaliveError } from '../errors.js';
import { readCertificates } from './certificates.js';
import { chooseProtocol } from './choose-protocol.js';
import type { Environment } from './environment.js';
import type { GuardFlags } from './guard.js';
import { unreadableWords } from './unreadable.js';

export interface GuardPlan {
  readonly config: GuardConfig;
  /** Of a check by tcp. */
  speechFor(check: CheckConfig): Speech;
  /** That are trusted at its https addresses, in PEM; undefined: Node's own. */
  certificatesFor(service: ServiceConfig): string | undefined;
}

/**
 * @param service from flags; undefined: they are in the file
 * @throws TcpaliveError BAD_CONFIG, BAD_PROTOCOL, BAD_USAGE
 */
export async function readGuardPlan(
  env: Environment,
  flags: Pick<GuardFlags, 'config' | 'allowRemote'>,
  service: ServiceConfig | undefined,
): Promise<GuardPlan> {
  const config = service === undefined ? await readConfig(flags) : { services: [service] };
  const speeches = new Map<string, Speech>();
  for (const check of config.services.flatMap(({ checks }) => checks)) {
    const { target } = check;
    if (target.kind === 'tcp')
      speeches.set(keyOf(check), await speechOf(env, check, target.remote));
  }
  const certificates = new Map<string, string>();
  const code = service === undefined ? 'BAD_CONFIG' : 'BAD_USAGE';
  for (const { name, ca } of config.services) {
    if (ca === undefined) continue;
    const about = service === undefined ? `ca of ${name}` : '--ca';
    const read = readCertificates(
      ca,
      (reason, cause) => new TcpaliveError(code, `${about}: ${reason}`, { cause }),
    );
    certificates.set(ca, await read);
  }
  return {
    config,
    certificatesFor: ({ ca }) => (ca === undefined ? undefined : certificates.get(ca)),
    speechFor(check) {
      const speech = speeches.get(keyOf(check));
      if (speech === undefined) throw new Error(`nobody has read what ${check.text} speaks`);
      return speech;
    },
  };
}

function keyOf({ text, protocol = '' }: CheckConfig): string {
  return `${protocol} ${text}`;
}

async function readConfig({
  config: file = '',
  allowRemote = false,
}: Pick<GuardFlags, 'config' | 'allowRemote'>): Promise<GuardConfig> {
  const [text, { parseGuardConfig }] = await Promise.all([
    readFile(file, 'utf8').catch((cause: unknown) => {
      const message = `cannot read the configuration ${file}: ${unreadableWords(cause)}`;
      throw new TcpaliveError('BAD_CONFIG', message, { cause });
    }),
    import('../core/guard/config.js'),
  ]);
  return parseGuardConfig(text, file, { allowRemote });
}

async function speechOf(
  env: Environment,
  { protocol }: CheckConfig,
  remote: Parameters<typeof chooseProtocol>[2],
): Promise<Speech> {
  const chosen = await chooseProtocol(env, protocol === undefined ? {} : { protocol }, remote);
  if (chosen !== undefined) return chosen.speech;
  const message = `nothing is known of what ${formatEndpoint(remote)} speaks`;
  throw new TcpaliveError('BAD_USAGE', message, {
    hint: 'name its protocol: --protocol redis, --protocol ./own.yaml',
  });
}
