/** The shape of a configuration file. What may not be said together is left to service-shape.ts. */
import * as v from 'valibot';
import { parseDuration } from '../duration.js';
import { isMapping, list, mapping, shown, spelled, text } from '../file-schema.js';
import { UNPRINTABLE } from '../plain-yaml.js';
import { parseBackOff, parseBeforeKill, parseRestartLimit } from './restart-grammar.js';
import { parseProtocolName } from '../protocol-presets.js';
import { parseActionUrl, parseCheckTarget } from './check-target.js';
import { parseHealthCondition } from './health-condition.js';
import type { BeforeKill, OwnVoice } from './service-config.js';

const MOST_SERVICES = 100;
const MOST_CHECKS = 16;
const MOST_WORDS = 1000;
const LONGEST_WORD = 4096;

const duration = spelled(parseDuration, 'a duration', 'write 250ms, 3s, 1m30s or 2h');

const line = (what: string) =>
  text(
    (input) => input !== '' && input.length <= LONGEST_WORD && !UNPRINTABLE.test(input),
    what,
    `text of one printable line, at most ${LONGEST_WORD} characters`,
  );

const name = text(
  (input) => /^[\w.-]{1,64}$/.test(input),
  'the name of a service',
  'text such as web, 1 to 64 letters, digits, dots, dashes and underscores',
);

/** A program and its arguments: no shell reads them. */
const command = list(
  text(
    (input) => input.length <= LONGEST_WORD && !input.includes('\0'),
    'a word of a command',
    `text, at most ${LONGEST_WORD} characters; a number goes in quotes`,
  ),
  'words such as [node, server.js]',
  MOST_WORDS,
);

const oneOf = <const Word extends string>(what: string, words: readonly Word[]) =>
  v.pipe(
    text((input) => words.some((word) => word === input), what, `one of ${words.join(', ')}`),
    v.transform((input) => input as Word),
  );

/** What the guardian itself sets there is not to be said. */
const RESERVED = /^(?:NOTIFY_SOCKET|WATCHDOG_(?:USEC|PID)|TCPALIVE_GUARD\w*)$/;

const variables = v.lazy((input) => {
  if (!isMapping(input)) {
    return v.never(`${shown(input)} is not a mapping of variables; PORT: '8080'`);
  }
  const bad = Object.keys(input).find((key) => !/^[A-Za-z_]\w*$/.test(key) || RESERVED.test(key));
  if (bad !== undefined) {
    const why = RESERVED.test(bad) ? 'is set by the guardian itself' : 'is no name of a variable';
    return v.never(`${shown(bad)} ${why}; letters, digits and underscores`);
  }
  return v.record(v.string(), line('the value of a variable'));
}) as v.GenericSchema<unknown, Record<string, string>>;

const address = spelled(
  (input) => ({ text: input, target: parseCheckTarget(input) }),
  'an address to check',
  'write tcp://127.0.0.1:7777 or http://127.0.0.1:8080/status',
);
const conditions = list(
  spelled(parseHealthCondition, 'a condition', 'write state=Running or text:Running'),
  'conditions',
  MOST_CHECKS,
);

const check = mapping('a check', {
  address,
  protocol: v.optional(
    spelled(parseProtocolName, 'a protocol', 'the name of one, or a file such as ./own.yaml'),
  ),
  fresh: v.optional(v.boolean(({ input }) => `fresh cannot be ${shown(input)}; true or false`)),
  healthy: v.optional(conditions),
  unhealthy: v.optional(conditions),
  interval: v.optional(duration),
  timeout: v.optional(duration),
});

const signalOrCommand: v.GenericSchema<unknown, BeforeKill> = v.lazy((input) =>
  Array.isArray(input)
    ? v.pipe(
        command,
        v.transform((words): BeforeKill => ({ kind: 'command', command: words })),
      )
    : spelled(
        parseBeforeKill,
        'what is done before a kill',
        'SIGQUIT, SIGABRT or [gcore, -o, hung]',
      ),
);

const service = mapping('a service', {
  name,
  command: v.optional(command),
  folder: v.optional(line('a folder')),
  variables: v.optional(variables),
  checks: v.optional(list(check, 'checks', MOST_CHECKS)),
  ca: v.optional(line('a file')),
  aliveBy: v.optional(
    list(oneOf<OwnVoice>('what a service is alive by', ['beats', 'systemd']), 'beats, systemd', 2),
  ),
  timeout: v.optional(duration),
  startTimeout: v.optional(duration),
  stopTimeout: v.optional(duration),
  onDead: v.optional(oneOf('what is done', ['restart', 'report'])),
  onExit: v.optional(oneOf('when it is started again', ['always', 'on-failure'])),
  restarts: v.optional(spelled(parseRestartLimit, 'a limit of restarts', 'write 10/10m')),
  backOff: v.optional(spelled(parseBackOff, 'a back-off', 'write 500ms:30s')),
  onGiveUp: v.optional(oneOf('what is done', ['exit', 'wait'])),
  restartUrls: v.optional(
    list(
      spelled(parseActionUrl, 'an address to call', 'write http://127.0.0.1:8080/restart'),
      'addresses',
      MOST_CHECKS,
    ),
  ),
  restartCommand: v.optional(command),
  beforeKill: v.optional(signalOrCommand),
  output: v.optional(oneOf('where its output goes', ['inherit', 'ignore'])),
});

export const configSchema = mapping('a configuration', {
  services: list(service, 'services', MOST_SERVICES),
});
