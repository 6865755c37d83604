import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGuardConfig } from '../../../src/core/guard/config.js';
import {
  parseBackOff,
  parseBeforeKill,
  parseCommand,
  parseRestartLimit,
} from '../../../src/core/guard/restart-grammar.js';
import { TcpaliveError } from '../../../src/errors.js';

describe('a configuration file', () => {
  it('holds all there is to say', () => {
    const { services } = read(`services:
  - name: web
    command: [node, server.js]
    folder: /srv/web
    variables: { PORT: '8080' }
    checks:
      - address: http://127.0.0.1:8080/status
        healthy: [state=Running]
        interval: 1s
        timeout: 2s
      - { address: 'tcp://127.0.0.1:7777', protocol: tcpalive, fresh: true }
    aliveBy: [beats, systemd]
    timeout: 5s
    startTimeout: 1m
    stopTimeout: 3s
    onExit: always
    restarts: 5/2m
    backOff: 200ms:10s
    onGiveUp: wait
    beforeKill: SIGQUIT
  - name: legacy
    checks: [{ address: 'https://localhost/status', unhealthy: [state=Stopped] }]
    ca: own.pem
    restartUrls: [http://127.0.0.1:9/stop, POST http://127.0.0.1:9/start]
`);
    expect(services.map(({ name }) => name)).toEqual(['web', 'legacy']);
    expect(services[0]).toMatchObject({
      command: ['node', 'server.js'],
      variables: { PORT: '8080' },
      checks: [
        { text: 'http://127.0.0.1:8080/status', intervalMs: 1000, answerTimeoutMs: 2000 },
        { text: 'tcp://127.0.0.1:7777', fresh: true, intervalMs: 1250, answerTimeoutMs: 2500 },
      ],
      timeoutMs: 5000,
      startTimeoutMs: 60_000,
      restarts: { most: 5, withinMs: 120_000 },
      backOff: { firstMs: 200, mostMs: 10_000 },
      beforeKill: { kind: 'signal', signal: 'SIGQUIT' },
    });
    expect(services[1]).toMatchObject({ ca: 'own.pem' });
    expect(services[1]?.restartUrls.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  it.each([
    ['services: []', 'a.yaml:1:11: an empty list; a list of services, at least one'],
    [
      'service: []',
      "a.yaml:1:1: 'service' is not a key of a configuration, did you mean services?; accepted: services",
    ],
    [
      one('timeuot: 3s'),
      "a.yaml:3:5: 'timeuot' is not a key of a service, did you mean timeout?; accepted: name, command, folder, variables, checks, ca, aliveBy, timeout, startTimeout, stopTimeout, onDead, onExit, restarts, backOff, onGiveUp, restartUrls, restartCommand, beforeKill, output",
    ],
    [one('timeout: 3'), "a.yaml:3:14: '3' has no unit: did you mean 3s?"],
    [
      one('command: node server.js'),
      "a.yaml:3:14: 'node server.js' where words such as [node, server.js] are expected; a list of words such as [node, server.js], at least one",
    ],
    [
      one('command: [sleep, 5]'),
      'a.yaml:3:22: 5 is not a word of a command; text, at most 4096 characters; a number goes in quotes',
    ],
    [
      one('command: [x]\n    checks: [{ address: ftp://127.0.0.1 }]'),
      "a.yaml:4:25: 'ftp://127.0.0.1' cannot be checked: tcp://127.0.0.1:7777 or http://127.0.0.1:8080/status",
    ],
    [
      one("command: [x]\n    checks: [{ address: 'tcp://example.org:80' }]"),
      'a.yaml:4:16: example.org is not this host: --allow-remote lets it be asked',
    ],
    [
      one("command: [x]\n    checks: [{ address: 'tcp://127.0.0.1:80', healthy: [a=b] }]"),
      'a.yaml:4:47: healthy with tcp://127.0.0.1:80; it goes with http:// addresses',
    ],
    [
      one("ca: own.pem\n    command: [x]\n    checks: [{ address: 'http://127.0.0.1' }]"),
      'a.yaml:3:5: ca without an https:// address; it is for those',
    ],
    [
      one(
        "command: [x]\n    timeout: 2s\n    checks: [{ address: 'tcp://127.0.0.1:80', interval: 2s }]",
      ),
      'a.yaml:5:47: 2000 ms from question to question and 1000 ms for an answer are more than a silence may last; 2000 ms together at most',
    ],
    [
      one('variables: { NOTIFY_SOCKET: x }\n    command: [x]'),
      "a.yaml:3:16: 'NOTIFY_SOCKET' is set by the guardian itself; letters, digits and underscores",
    ],
    [
      one('restarts: 10 in 10m'),
      "a.yaml:3:15: '10 in 10m' is no limit of restarts: so many within a time, such as 10/10m, at most 1000",
    ],
    [one('timeout: 3s'), 'a.yaml:2:5: neither a command nor a check: there is nothing to guard'],
    [
      one('stopTimeout: 3s'),
      'a.yaml:3:5: stopTimeout without a command; it is for what is started from here',
    ],
    [
      one("checks: [{ address: 'tcp://127.0.0.1:80' }]"),
      'a.yaml:2:5: nothing can be done when it is dead; restart addresses, a restart command, or only to report it',
    ],
    [
      one('command: [x]\n    restartCommand: [y]'),
      'a.yaml:4:5: it is started from here, and so restarted; leave that out',
    ],
    [
      one('command: [x]\n  - name: web\n    command: [y]'),
      "a.yaml:4:11: 'web' twice; each service has a name of its own",
    ],
    [one('command: [x'), /^a\.yaml:\d+:\d+: not YAML/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        message: typeof message === 'string' ? message : (expect.stringMatching(message) as string),
      }),
    );
  });

  it('is what the README shows', () => {
    const readme = readFileSync('README.md', 'utf8');
    const [text = ''] = [...readme.matchAll(/^```yaml\n(services:\n[^]*?)^```$/gm)].map(
      ([, all]) => all,
    );
    expect(read(text).services.map(({ name }) => name)).toEqual(['web', 'worker', 'legacy']);
  });

  it('shows no credentials of a check, and tells apart what differs in them', () => {
    const [first, second] = ['one', 'two'].map((token) => {
      const url = `http://user:secret@127.0.0.1:8080/status?token=${token}`;
      return { address: url };
    });
    const checks = [first, { address: 'tcp://127.0.0.1:7777' }, second];
    const text = JSON.stringify({ services: [{ name: 'a', command: ['true'], checks }] });
    const { services } = parseGuardConfig(text, 'guard.yaml', { allowRemote: false });
    expect(services[0]?.checks.map((check) => check.text)).toEqual([
      'http://127.0.0.1:8080/status',
      'tcp://127.0.0.1:7777',
      'http://127.0.0.1:8080/status (2)',
    ]);
  });

  it('lets other hosts be asked where that was allowed', () => {
    const text = one("command: [x]\n    checks: [{ address: 'tcp://example.org:80' }]");
    expect(parseGuardConfig(text, 'a.yaml', { allowRemote: true }).services).toHaveLength(1);
  });

  it('is refused in one line, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TcpaliveError);
          expect((error as Error).message).toMatch(/^a\.yaml:\d+:\d+: [^\n]+$/);
        }
      }),
    );
  });
});

describe('restarts in words', () => {
  it('are limits and back-offs', () => {
    expect(parseRestartLimit('3/1m30s')).toEqual({ most: 3, withinMs: 90_000 });
    expect(parseBackOff('1s:1s')).toEqual({ firstMs: 1000, mostMs: 1000 });
  });

  it.each(['', '3', '0/1m', '1001/1m', '3/', '-1/1m'])("'%s' is no limit", (text) => {
    expect(() => parseRestartLimit(text)).toThrow(TcpaliveError);
  });

  it.each(['', '1s', '1s:2s:3s', '2s:1s', '1:2'])("'%s' is no back-off", (text) => {
    expect(() => parseBackOff(text)).toThrow(TcpaliveError);
  });
});

describe('a command in words', () => {
  it.each([
    ['gcore -o /tmp/hang', ['gcore', '-o', '/tmp/hang']],
    ["  a 'b c'  \"d 'e'\" f'g h'i ''", ['a', 'b c', "d 'e'", 'fg hi', '']],
    ['a;b $HOME *', ['a;b', '$HOME', '*']],
  ])('%s', (text, words) => {
    expect(parseCommand(text)).toEqual(words);
  });

  it.each(['', '  ', "a 'b", 'a "'])("'%s' is none", (text) => {
    expect(() => parseCommand(text)).toThrow(TcpaliveError);
  });

  it('is what was quoted, whatever stands in it', () => {
    const word = fc.string().filter((each) => !each.includes("'"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(parseCommand(words.map((each) => `'${each}'`).join(' '))).toEqual(words);
      }),
    );
  });

  it('is a signal before a kill where it is one that makes a process tell', () => {
    expect(parseBeforeKill('SIGABRT')).toEqual({ kind: 'signal', signal: 'SIGABRT' });
    expect(parseBeforeKill('SIGABRT now')).toMatchObject({ kind: 'command' });
    expect(() => parseBeforeKill('SIGKILL')).toThrow(TcpaliveError);
  });
});

function one(keys: string): string {
  return `services:\n  - name: web\n    ${keys}\n`;
}

function read(text: string) {
  return parseGuardConfig(text, 'a.yaml', { allowRemote: false });
}
