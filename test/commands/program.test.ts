/** The command line as it is typed: what is refused, with which words, before anything is started. */
import { readdirSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import { fateKinds } from '../../src/core/fate.js';
import { TcpaliveError } from '../../src/errors.js';
import { openKernel } from '../../src/kernel/open-kernel.js';
import { groupFields, rowFields } from '../../src/report/survey-options.js';
import { fakeEnvironment, type FakeEnvironment } from './environment.js';

const INVALID = 'fixtures/scenarios/invalid';
const SCENARIO = 'fixtures/scenarios/five-times-over.yaml';

/** Nobody listens there: what is refused never gets that far. */
const TARGET = '127.0.0.1:9';

interface Refusal {
  readonly code: string;
  /** What the person is told: commander has written its line by then, ours is the exception's. */
  readonly told: string;
  readonly env: FakeEnvironment;
}

/** The refusal that these arguments end in; anything else fails the test. */
async function refused(args: readonly string[]): Promise<Refusal> {
  const env = fakeEnvironment();
  try {
    await buildProgram(env).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode !== 0) {
      return { code: 'commander', told: env.stderr.text, env };
    }
    if (error instanceof TcpaliveError && error.exitCode === 2) {
      return { code: error.code, told: env.stderr.text + error.message, env };
    }
    throw error;
  }
  throw new Error(`was accepted: ${args.join(' ')}`);
}

/** `told` is one line, the first, whole; commander has its code there too, and a hint on a second one. */
async function expectRefusal(args: readonly string[], code: string, told: string): Promise<void> {
  const refusal = await refused(args);
  const line = code === 'commander' ? `${told} (BAD_USAGE)` : told;
  expect({ code: refusal.code, told: refusal.told.split('\n')[0] }).toEqual({ code, told: line });
  expect(refusal.env.stdout.text).toBe('');
  expect(refusal.env.exitCode).toBeUndefined();
}

describe('a value that cannot be understood', () => {
  it.each([
    [
      '--modes frob',
      "--modes: 'frob' is not a mode: none, keepalive=IDLE:INTERVAL:COUNT, keepalive=system, " +
        'user-timeout=T, heartbeat=INTERVAL:TIMEOUT, idle-timeout=T or rto-max=T, combined with +',
    ],
    [
      '--modes keepalive=0:1:1',
      "--modes: 'keepalive=0:1:1': '0' is too short, keepalive takes whole seconds, 1s to 32767s",
    ],
    [
      '--modes keepalive=60:10:6',
      "--modes: 'keepalive=60:10:6' has no units: did you mean keepalive=60s:10s:6?",
    ],
    [
      '--modes keepalive=1500ms:1s:3',
      "--modes: 'keepalive=1500ms:1s:3': '1500ms' cannot be had, " +
        'keepalive takes whole seconds, 1s to 32767s',
    ],
    [
      '--modes heartbeat=3s:1s',
      "--modes: 'heartbeat=3s:1s': the timeout 1s must be longer than the interval 3s, " +
        'or every connection is given up between two beats',
    ],
    [
      '--modes none,heartbeat=1s:3s+heartbeat=2s:5s',
      "--modes: 'heartbeat=1s:3s+heartbeat=2s:5s' has two heartbeat modes: keep one",
    ],
    ['--modes none,heartbeat,none', "--modes: 'none' is listed twice"],
    ['--loads busy', "--loads: 'busy' is not a load: idle, write, zero-window, connect"],
    [
      '--faults fire',
      "--faults: 'fire' is not a fault: blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset",
    ],
    ['--faults loss=101%', "--faults: 'loss=101%' is not a loss: 0.01% to 100%, such as loss=5%"],
    ['--faults outage', "--faults: 'outage' needs a time, such as outage=2s"],
    ['--modes rto-max=1ms', "--modes: 'rto-max=1ms' cannot be had: rto-max takes 1s to 2m"],
    [
      '--sysctl tcp_mem=1',
      "--sysctl: 'tcp_mem=1' is not NAME=NUMBER with one of tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes, tcp_retries2, tcp_syn_retries, tcp_syn_linear_timeouts, tcp_rto_max_ms",
    ],
    ['--observer both', "--observer: 'both' is not an observer: server, client"],
    ['--limit 5', "--limit: '5' has no unit: did you mean 5s?"],
    ['--limit 0s', "--limit: '0s' is out of range: more than 0, at most 168h"],
    ['--connections 0', "--connections: '0' is not a whole number from 1 to 200"],
    ['--connections 201', "--connections: '201' is not a whole number from 1 to 200"],
    ['--format xml', "--format: 'xml' is not a format: table, markdown, csv, json, jsonl"],
    [
      '--expect soon',
      "--expect: 'soon' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' " +
        "or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >",
    ],
  ])('compare %s', (args, told) =>
    expectRefusal(['compare', ...args.split(' ')], 'BAD_USAGE', told),
  );

  it.each([
    ['--port 0', "--port: '0' is not a port: 1 to 65535"],
    ['--port 65536', "--port: '65536' is not a port: 1 to 65535"],
    ['--port abc', "--port: 'abc' is not a port: 1 to 65535"],
    ['--mode heartbeat=3s:1s', /^--mode: 'heartbeat=3s:1s': the timeout 1s must be longer/],
    ['--mode none,heartbeat', /^--mode: 'none,heartbeat' is not a mode/],
    [
      '--framing lines',
      "--framing: 'lines' is not a framing: length16, raw, line or marked=START:LENGTH:CHECKSUM:END",
    ],
    ['--reply-delay 2', "--reply-delay: '2' has no unit: did you mean 2s?"],
    ['--max-connections 0', "--max-connections: '0' is not a whole number from 1 to 1000000"],
    ['--max-frame 65536', "--max-frame: '65536' is not a whole number from 1 to 65535"],
    ['--status 192.0.2.1:7778', '--status 192.0.2.1:7778 is no loopback address: others could ask'],
    ['--status [::]:7778', '--status [::]:7778 is no loopback address: others could ask'],
    ['--max-per-address 0', "--max-per-address: '0' is not a whole number from 1 to 1000000"],
  ])('serve %s', async (args, told) => {
    const refusal = await refused(['serve', ...args.split(' ')]);
    expect(refusal.code).toBe('BAD_USAGE');
    if (typeof told === 'string') expect(refusal.told).toBe(told);
    else expect(refusal.told).toMatch(told);
    expect(refusal.env.stdout.text).toBe('');
  });

  it.each([
    ['127.0.0.1', /^host:port: '127\.0\.0\.1' is not host:port, such as 127\.0\.0\.1:7777/],
    ['::1:7777', /^host:port: '::1:7777' is not host:port/],
    ['127.0.0.1:65536', /^host:port: '65536' is not a port: 1 to 65535$/],
    ['127.0.0.1:', /^host:port: '' is not a port: 1 to 65535$/],
    [`${TARGET} --count 0`, /^--count: '0' is not a whole number from 1 to 1000000000$/],
    [`${TARGET} --duration 3`, /^--duration: '3' has no unit: did you mean 3s\?$/],
    [`${TARGET} --fault freeze`, /^--fault: 'freeze' takes both ends: compare --faults freeze;/],
    [`${TARGET} --format csv`, /^--format: 'csv' is for tables: table, json or jsonl here$/],
    [`${TARGET} --protocol gopher`, /^--protocol: 'gopher' is not a protocol: amqp, ftp, http, .*/],
    [`${TARGET} --send hex:0`, /^--send: '0' is not hex: two digits a byte, such as 0d 0a$/],
    [`${TARGET} --send \\q`, /^--send: '\\q' in '\\q' is no escape: /],
    [
      `${TARGET} --send x --expect-reply /^pong/i`,
      /^--expect-reply: '.*' begins a regular expression/,
    ],
    [
      `${TARGET} --send x --expect-reply /^pong`,
      /^--expect-reply: '.*' begins a regular expression/,
    ],
    [`${TARGET} --send x --expect-reply /(a+)+/`, /^--expect-reply: .* repeats a group/],
    [`${TARGET} --protocol ./none.yaml`, /^cannot read the protocol \.\/none\.yaml: no such file$/],
    [
      `${TARGET} --idle-limit --mode keepalive=60s:10s:6 --protocol ./none.yaml`,
      /^cannot read the protocol \.\/none\.yaml: no such file$/,
    ],
    [
      `${TARGET} --protocol redis --secret-file ./none`,
      /^cannot read the protocol .*redis\.yaml: no such file$/,
    ],
    [`${TARGET} --send x --secret-file ./none`, /^--secret-file: custom asks for no password$/],
    [`${TARGET} --mode heartbeat=200ms:1s`, /: at most one a second, not one in 200ms$/],
    [
      `${TARGET} --mode heartbeat+keepalive=1s:1s:3`,
      /: not together with keepalive or user-timeout$/,
    ],
  ])('probe %s', async (args, told) => {
    const refusal = await refused(['probe', ...args.split(' ')]);
    expect(refusal.code).toBe(
      refusal.told.startsWith('cannot read') ? 'BAD_PROTOCOL' : 'BAD_USAGE',
    );
    expect(refusal.told).toMatch(told);
    expect(refusal.env.stdout.text).toBe('');
  });

  it('--color takes three words', () =>
    expectRefusal(
      ['doctor', '--color', 'pink'],
      'commander',
      "error: option '--color <when>' argument 'pink' is invalid. Allowed choices are auto, always, never.",
    ));

  it('is refused from the environment too, and the variable is named', async () => {
    vi.stubEnv('TCPALIVE_PORT', 'abc');
    onTestFinished(() => void vi.unstubAllEnvs());
    const told = "'abc' is not a port: 1 to 65535";
    await expectRefusal(['serve'], 'BAD_USAGE', `TCPALIVE_PORT: ${told}`);
    await expectRefusal(['serve', '--port', 'abc'], 'BAD_USAGE', `--port: ${told}`);
    vi.stubEnv('TCPALIVE_MODE', 'heartbeat=1:3');
    const refusal = await refused(['probe', TARGET]);
    expect(refusal.told).toMatch(/^TCPALIVE_MODE: 'heartbeat=1:3' /);
  });
});

describe('what is no command and no flag', () => {
  it.each([
    ['frob', "error: unknown command 'frob'"],
    ['compare --frob', "error: unknown option '--frob'"],
    ['serve --frob', "error: unknown option '--frob'"],
    [`probe ${TARGET} --frob`, "error: unknown option '--frob'"],
    ['doctor --frob', "error: unknown option '--frob'"],
    ['doctor twice', "error: too many arguments for 'doctor'. Expected 0 arguments but got 1."],
    ['probe', "error: missing required argument 'host:port'"],
    ['serve --port', "error: option '--port <port>' argument missing"],
  ])('%s', (args, told) => expectRefusal(args.split(' '), 'commander', told));

  it('a typing mistake is answered with what was meant', async () => {
    expect((await refused(['compere'])).told).toBe(
      "error: unknown command 'compere' (BAD_USAGE)\n  Did you mean compare?\n",
    );
  });

  it.each([
    [
      '--frob',
      "error: unknown option '--frob' (BAD_USAGE)\n  tcpalive --help says what there is\n",
    ],
    [
      'doctor twice',
      "error: too many arguments for 'doctor'. Expected 0 arguments but got 1. (BAD_USAGE)\n" +
        '  tcpalive doctor --help says what there is\n',
    ],
  ])('anything else with where to look: %s', async (args, told) => {
    expect((await refused(args.split(' '))).told).toBe(told);
  });

  it('nothing at all is answered with the help, which is no data', async () => {
    const { told, env } = await refused([]);
    expect(told).toContain('Usage: tcpalive');
    expect(env.stdout.text).toBe('');
  });
});

describe('flags that do not go together', () => {
  it.each([
    [`compare --scenario ${SCENARIO} --modes none`, '--scenario cannot be combined with --modes'],
    [
      `compare --limit 5s --scenario ${SCENARIO} --wide --expect none noticed=0`,
      '--scenario cannot be combined with --limit, --expect, --wide',
    ],
    [
      `compare --scenario ${SCENARIO} --format csv`,
      '--scenario has no --format csv: table or json',
    ],
    ['compare --stacks --modes none', '--stacks cannot be combined with --modes'],
    [
      'compare --predict-only --modes none --expect none noticed=0',
      '--predict-only cannot be combined with --expect',
    ],
    [
      'serve --replace --status 127.0.0.1:9 --port 9 --mode none --workers 2 --expose-status',
      '--replace cannot be combined with --port, --mode, --expose-status, --workers',
    ],
    ['serve --replace --json', '--replace: which server? It is named by its --status'],
    ['compare --explain', '--explain goes with --predict-only or --stacks'],
    [
      'compare --modes none --faults outage=20s --limit 15s',
      'outage=20s is not over within --limit 15s: raise the limit',
    ],
    [
      'compare --modes heartbeat=1s:3s --loads connect',
      'heartbeat=1s:3s begins once it is connected: it has no load connect',
    ],
    [
      'compare --modes none --expect heartbeat worst<3s',
      "--expect 'heartbeat worst<3s': no row matches",
    ],
    [
      'compare --modes none --loads idle --expect none write noticed=0',
      "--expect 'none write noticed=0': no row matches",
    ],
    [
      `probe ${TARGET} --duration 1s --drop-after 2s`,
      '--duration 1s is not longer than --drop-after 2s',
    ],
    [`probe ${TARGET} -6`, '-6: 127.0.0.1 is an IPv4 address'],
    ['probe [::1]:9 -4', '-4: ::1 is an IPv6 address'],
    [`probe ${TARGET} --servername example.org`, '--servername is about TLS: it takes --tls'],
    [`probe ${TARGET} --ca nowhere.pem`, '--ca is about TLS: it takes --tls'],
    [`probe ${TARGET} --insecure`, '--insecure is about TLS: it takes --tls'],
    [`probe ${TARGET} --tls --ca nowhere.pem`, '--ca: cannot read nowhere.pem: no such file'],
    [`probe ${TARGET} --tls --ca test`, '--ca: cannot read test: it is a directory'],
    [`probe ${TARGET} --tls --ca package.json`, '--ca: package.json holds no certificate in PEM'],
    [
      `probe ${TARGET} --mode keepalive=1s:1s:3 --protocol redis`,
      '--protocol says what beats are, and mode keepalive=1s:1s:3 sends no beats',
    ],
    [`probe ${TARGET} --expect-reply x`, '--expect-reply goes with --send, which is not given'],
    [
      `probe ${TARGET} --secret-file x`,
      '--secret-file goes with --protocol or --send: a guess gets no secret',
    ],
    [
      `probe ${TARGET} --mode keepalive=1s:1s:3 --count 5`,
      '--count counts answered beats, and mode keepalive=1s:1s:3 sends no beats: use --duration',
    ],
    [
      `probe ${TARGET} --idle-limit --mode heartbeat=1s:3s`,
      '--idle-limit tries silences, and beside them keepalive alone: not mode heartbeat=1s:3s, ' +
        'but --mode keepalive=IDLE:INTERVAL:COUNT, or none of it',
    ],
    [
      `probe ${TARGET} --idle-limit --wait 999ms`,
      "--wait: '999ms' is too short: a keepalive probe asks after 1s of silence at least",
    ],
    [
      `probe ${TARGET} --idle-limit --connections 3`,
      '--connections 3: --idle-limit takes 4 at least',
    ],
    [
      `probe ${TARGET} --vanish --connections 0`,
      "--connections: '0' is not a whole number from 1 to 256",
    ],
    [`probe ${TARGET} --wait 1m`, '--wait is for --vanish and --idle-limit'],
    [`probe ${TARGET} --connections 8`, '--connections is for --vanish and --idle-limit'],
    [`probe ${TARGET} --idle-limit --load write`, '--load is for --vanish'],
    [
      `probe ${TARGET} --vanish --load read`,
      "--load: 'read' is not a load of --vanish: idle or write",
    ],
    [
      `probe ${TARGET} --vanish --mode keepalive`,
      "--vanish finds out the server's mode: it takes no --mode of ours",
    ],
  ])('%s', async (line, told) => {
    const [flags = '', expectation] = line.split(' --expect ');
    const args = [
      ...flags.split(' '),
      ...(expectation === undefined ? [] : ['--expect', expectation]),
    ];
    await expectRefusal(args, 'BAD_USAGE', told);
    expect((await refused(args)).env.listeners).toEqual({ interrupt: 0, hangup: 0, exit: 0 });
  });

  it('a duration that ends as the cut is due leaves nothing to see either', async () => {
    const { told, env } = await refused(`probe ${TARGET} --duration 2s --drop-after 2s`.split(' '));
    expect(told).toMatch(/^--duration 2s .*--drop-after 2s$/);
    expect(env.stdout.text).toBe('');
  });

  it.each([
    ['--drop-after 1s --count 3', '--drop-after <time>', '--count <n>'],
    ['--protocol redis --send x', '--send <text>', '--protocol <name>'],
    ['--drop-after 1s --reconnect', '--drop-after <time>', '--reconnect'],
    ['-4 -6', '-6, --ipv6', '-4, --ipv4'],
    ['--tls --ca package.json --insecure', '--insecure', '--ca <file>'],
    ['--idle-limit --count 3', '--idle-limit', '--count <n>'],
    ['--idle-limit --drop-after 1s', '--idle-limit', '--drop-after <time>'],
    ['--vanish --idle-limit', '--vanish', '--idle-limit'],
    ['--vanish --reconnect', '--vanish', '--reconnect'],
    [`--script ${SCENARIO} --json`, '--script <file>', '--json'],
    [`--script ${SCENARIO} --drop-after 1s`, '--script <file>', '--drop-after <time>'],
  ])('probe %s', (args, one, other) =>
    expectRefusal(
      ['probe', TARGET, ...args.split(' ')],
      'commander',
      `error: option '${one}' cannot be used with option '${other}'`,
    ),
  );
});

it.each([
  ['/nonexistent', '--from: cannot read /nonexistent: no such file'],
  ['package.json/x', '--from: cannot read package.json/x: no such file'],
  ['test', '--from: cannot read test: it is a directory'],
  ['package.json', '--from package.json: not one socket in it'],
])('ls --from %s', (file, told) => expectRefusal(['ls', '--from', file], 'BAD_USAGE', told));

it.each([
  ['1h', "--ask: '1h' is too long to wait for an answer: at most 5m"],
  ['5m1ms', "--ask: '5m1ms' is too long to wait for an answer: at most 5m"],
  ['99ms', "--ask: '99ms' is too short for an answer: at least 100ms"],
])('ls --ask=%s', (wait, told) => expectRefusal(['ls', `--ask=${wait}`], 'BAD_USAGE', told));

describe('a scenario that cannot be read', () => {
  const commands: readonly (readonly string[])[] = [
    ['compare', '--scenario'],
    ['probe', TARGET, '--script'],
  ];

  it.each(commands)('is named: %s', async (...command) => {
    await expectRefusal(
      [...command, 'nowhere.yaml'],
      'BAD_SCENARIO',
      'cannot read the scenario nowhere.yaml: no such file',
    );
    await expectRefusal(
      [...command, INVALID],
      'BAD_SCENARIO',
      `cannot read the scenario ${INVALID}: it is a directory`,
    );
    await expectRefusal(
      [...command, `${INVALID}/unknown-key.yaml`],
      'BAD_SCENARIO',
      `${INVALID}/unknown-key.yaml:2:1: 'speed' is not a key of a scenario; ` +
        'accepted: name, story, modes, server, steps, expect',
    );
  });

  it.each(readdirSync(INVALID))('%s is refused in one line with its place', async (name) => {
    const { code, told, env } = await refused(['compare', '--scenario', `${INVALID}/${name}`]);
    expect(code).toBe('BAD_SCENARIO');
    expect(told).toMatch(new RegExp(`^${INVALID}/${name}:\\d+:\\d+: [^\\n]+$`));
    expect(env.stdout.text).toBe('');
    expect(env.listeners).toEqual({ interrupt: 0, hangup: 0, exit: 0 });
  });

  it('a probe plays nothing that is about the server', async () => {
    const { code, told, env } = await refused([
      'probe',
      TARGET,
      '--script',
      'fixtures/scenarios/late-answer.yaml',
    ]);
    expect(code).toBe('BAD_SCENARIO');
    expect(told).toMatch(/late-answer\.yaml:6:1: 'server' is about the server/);
    expect(env.stdout.text).toBe('');
  });
});

/** Lowers the limit of the process that this file has to itself, which it cannot raise again. */
describe('--max-connections', async () => {
  const kernel = await openKernel();
  const limit = Math.min(kernel.descriptorLimit() ?? 0, 4096);

  it.skipIf(limit === 0)(
    'beyond the descriptor limit is refused [needs: descriptor limits]',
    async () => {
      kernel.limitDescriptors(limit);
      const { code, told, env } = await refused(['serve', '--max-connections', `${limit - 47}`]);
      expect(code).toBe('BAD_USAGE');
      expect(told).toBe(
        `--max-connections: ${limit - 47} are more than this process may hold, ` +
          `${limit - 48} of ${limit} descriptors`,
      );
      expect(env.stdout.text).toBe('');
      expect(env.listeners).toEqual({ interrupt: 0, hangup: 0, exit: 0 });
    },
  );
});

describe('--help', () => {
  it.each([
    ['--help'],
    ['help'],
    ...['compare', 'serve', 'probe', 'ls', 'protect', 'reap', 'guard', 'doctor'].flatMap(
      (command) => [
        [command, '--help'],
        ['help', command],
      ],
    ),
  ])('%s %s', async (...args) => {
    const env = fakeEnvironment();
    const ended = buildProgram(env).parseAsync(args, { from: 'user' });
    await expect(ended).rejects.toMatchObject({ exitCode: 0 });
    expect(env.stdout.text).toMatch(/^Usage: tcpalive/);
    expect(env.stdout.text).toMatch(/^Examples:\n {2}(sudo )?tcpalive /m);
    expect(env.stderr.text).toBe('');
  });

  it('names every command but the one that nobody types', async () => {
    const env = fakeEnvironment();
    const ended = buildProgram(env).parseAsync(['--help'], { from: 'user' });
    await expect(ended).rejects.toBeInstanceOf(CommanderError);
    for (const command of [
      'compare',
      'serve',
      'probe',
      'ls',
      'protect',
      'reap',
      'guard',
      'doctor',
    ]) {
      expect(env.stdout.text).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
    expect(env.stdout.text).not.toMatch(/^ {2}lab /m);
  });
});

it('ls --help has the fates in the order of every table, and the fields of --no-headers', async () => {
  const env = fakeEnvironment();
  const ended = buildProgram(env).parseAsync(['ls', '--help'], { from: 'user' });
  await expect(ended).rejects.toBeInstanceOf(CommanderError);
  const [, fates = ''] = /the worst first:\n([^]*?)\n\n/.exec(env.stdout.text) ?? [];
  expect(fates.match(/^ {2}\w+/gm)?.map((name) => name.trim())).toEqual(fateKinds);
  expect(env.stdout.text).toContain(`\n  ${rowFields.join(' ')}\n`);
  expect(env.stdout.text).toContain(`\n  ${groupFields.join(' ')}\n`);
});

describe('--version', () => {
  it.each(['--version', '-V'])('%s', async (flag) => {
    const env = fakeEnvironment();
    const ended = buildProgram(env).parseAsync([flag], { from: 'user' });
    await expect(ended).rejects.toMatchObject({ exitCode: 0 });
    expect([env.stdout.text, env.stderr.text]).toEqual(['1.2.3\n', '']);
  });
});

it('building the program has no side effects', () => {
  const env = fakeEnvironment();
  buildProgram(env);
  expect([env.stdout.text, env.stderr.text, env.exitCode]).toEqual(['', '', undefined]);
  expect(env.listeners).toEqual({ interrupt: 0, hangup: 0, exit: 0 });
});

it('builds the named command alone, as it is among the others', () => {
  const env = fakeEnvironment();
  for (const among of buildProgram(env).commands) {
    const [alone, ...others] = buildProgram(env, among.name()).commands;
    expect(others).toEqual([]);
    expect(alone?.helpInformation()).toBe(among.helpInformation());
  }
});

it.each(['sl', '--version', 'help', 'toString', undefined])(
  'builds every command where %s is named, which is none',
  (named) => {
    const names = (program: Command) => program.commands.map((command) => command.name());
    const env = fakeEnvironment();
    expect(names(buildProgram(env, named))).toEqual(names(buildProgram(env)));
  },
);
