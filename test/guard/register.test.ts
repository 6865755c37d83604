import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { register, type Registration } from '../../src/guard/register.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { beatsListener, echoes, expected, framed, greeting, type Heard } from './beats-service.js';

afterEach(() => void vi.unstubAllEnvs());

const kinds = ({ signs }: Heard) => signs.map(({ kind }) => kind);
const beats = (service: Heard) => kinds(service).filter((kind) => kind === 'alive').length;

describe('a registered service', { timeout: TEST_MS }, () => {
  it('says who it is, beats once it is active, and says goodbye', async () => {
    const service = expected(await beatsListener());
    const registration = registered(service, 300);
    expect(registration.isGuarded).toBe(true);
    await until(() => service.signs.length === 1, SOON_MS);
    expect(service.signs[0]).toEqual({ kind: 'registered', by: 'beats', timeoutMs: 300 });
    registration.activate();
    registration.activate();
    await until(() => beats(service) >= 3, SOON_MS);
    expect(kinds(service).slice(0, 3)).toEqual(['registered', 'ready', 'alive']);
    registration.dispose();
    registration.dispose();
    registration.activate();
    await until(() => kinds(service).includes('stopping'), SOON_MS);
    expect(kinds(service).at(-1)).toBe('stopping');
  });

  it('that has much else to say is not heard to be silent: one connection beats for weeks', async () => {
    const service = expected(await beatsListener());
    registered(service, 100).activate();
    await until(() => beats(service) > 2 * 16, SOON_MS);
    expect(kinds(service).filter((kind) => kind === 'registered')).toHaveLength(1);
  });

  it('comes back when its connection ends, and goes on beating', async () => {
    const service = expected(await beatsListener());
    const { path, accepted } = await unixServer(service, (socket, number) => {
      if (number === 1) socket.once('data', () => socket.destroy());
      else socket.pipe(socket);
    });
    registered(at(path, service), 3000).activate();
    await until(() => accepted.length === 2, SOON_MS);
    const said = Buffer.concat([greeting(service), framed('')]);
    await until(() => accepted[1]?.bytesRead === said.length, SOON_MS);
  });

  it('waits with its beats for a guardian that does not read', async () => {
    const service = expected(await beatsListener());
    const { path, accepted } = await unixServer(service, (socket) => socket.pause());
    registered(at(path, service), 100).activate();
    await until(() => accepted.length === 1, SOON_MS);
    await new Promise((resolve) => setTimeout(resolve, 1300)); // time for 39 beats
    const [socket] = accepted;
    if (socket === undefined) throw new Error('nobody came');
    const said = echoes(socket.resume());
    const most = greeting(service, 100).length + 16 * 2;
    await until(() => said().length >= most, SOON_MS);
    expect(said().length).toBe(most);
    expect(accepted).toHaveLength(1);
    socket.write(said()); // now it reads
    await until(() => said().length > most, SOON_MS);
  });

  it('that nobody guards does nothing', () => {
    vi.stubEnv('TCPALIVE_GUARD_SOCKET', undefined);
    const registration = register({ timeoutMs: 3000 });
    expect(registration.isGuarded).toBe(false);
    registration.activate();
    registration.dispose();
  });

  it.each([undefined, {}, { timeoutMs: 99 }, { timeoutMs: NaN }, { timeoutMs: '3s' }])(
    'with a silence that is none (%j) is warned, and guarded all the same',
    async (options) => {
      const service = expected(await beatsListener());
      const warning = once(process, 'warning', { signal: AbortSignal.timeout(SOON_MS) });
      registered(service, options);
      const [{ name, message }] = (await warning) as [Error];
      expect(name).toBe('TcpaliveWarning');
      expect(message).toMatch(/^register: timeoutMs is .*, not 100 to 604800000; 10000 is taken$/);
      await until(() => service.signs.length === 1, SOON_MS);
      expect(service.signs[0]).toMatchObject({ timeoutMs: 10_000 });
    },
  );
});

describe('a program that registers', { timeout: TEST_MS }, () => {
  it('falls silent while its loop is blocked, and is heard again after that', async () => {
    const service = expected(await beatsListener());
    const program = node(
      service,
      `register({ timeoutMs: 300 }).activate();
       process.stdin.on('data', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000));`,
    );
    await until(() => beats(service) >= 3, SOON_MS);
    program.stdin.write('block');
    const silence = await longestSilence(service, 1500);
    expect(silence).toBeGreaterThan(1500);
    program.stdin.end();
    await once(program, 'exit');
  });

  it('and has nothing else to do ends as it would have', async () => {
    const service = expected(await beatsListener());
    const program = node(
      service,
      `register({ timeoutMs: 3000 }).activate(); setTimeout(() => process.stdin.destroy(), 300);`,
    );
    await until(() => beats(service) > 0, SOON_MS);
    expect(await once(program, 'exit')).toEqual([0, null]);
    await until(() => kinds(service).includes('failed'), SOON_MS);
  });

  it.each(['/nowhere/beats', `/${'x'.repeat(200)}`, '/dev/null'])(
    'where there is no guardian is not kept, nor harmed: %s',
    async (path) => {
      const program = node(
        at(path, expected(await beatsListener())),
        `const guardian = register({ timeoutMs: 100 }); guardian.activate();
         setTimeout(() => process.stdin.destroy(), 300);`,
      );
      expect(await once(program, 'exit')).toEqual([0, null]);
    },
  );

  it('and leaves at once after its goodbye has said it', async () => {
    const service = expected(await beatsListener());
    const program = node(
      service,
      `const guardian = register({ timeoutMs: 3000 });
       guardian.activate();
       process.stdin.on('data', () => { guardian.dispose(); process.exit(); });`,
    );
    await until(() => beats(service) > 0, SOON_MS);
    program.stdin.write('go');
    expect(await once(program, 'exit')).toEqual([0, null]);
    await until(() => kinds(service).includes('stopping'), SOON_MS);
    expect(kinds(service)).not.toContain('failed');
  });
});

describe('the example in Python', { timeout: TEST_MS }, () => {
  const example = 'fixtures/guardian/beats.py';

  it('is heard from its greeting to its goodbye', async () => {
    const service = expected(await beatsListener());
    const program = run('python3', [example], service.variables);
    expect(await once(program, 'exit')).toEqual([0, null]);
    await until(() => kinds(service).includes('stopping'), SOON_MS);
    expect(service.signs[0]).toEqual({ kind: 'registered', by: 'beats', timeoutMs: 3000 });
    expect(kinds(service)).toEqual([
      ...['registered', 'ready', 'alive', 'alive', 'alive', 'alive', 'alive', 'stopping'],
    ]);
  });

  it('that is killed is news', async () => {
    const service = expected(await beatsListener());
    const program = run('python3', [example], service.variables);
    await until(() => beats(service) > 0, SOON_MS);
    program.kill('SIGKILL');
    await until(() => kinds(service).includes('failed'), SOON_MS);
  });

  it('runs as well where nobody guards it', async () => {
    const program = run('python3', [example], {});
    expect(await once(program, 'exit')).toEqual([0, null]);
  });
});

/** With another socket in its environment. */
function at(path: string, { variables }: Heard): Pick<Heard, 'variables'> {
  return { variables: { ...variables, TCPALIVE_GUARD_SOCKET: path } };
}

function registered({ variables }: Pick<Heard, 'variables'>, options: unknown): Registration {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const asked = typeof options === 'number' ? { timeoutMs: options } : options;
  const registration = register(asked as { readonly timeoutMs: number });
  onTestFinished(() => registration.dispose());
  return registration;
}

/** Beside the listener of beats: in its folder, and gone before that. */
async function unixServer(
  { variables }: Heard,
  onConnection: (socket: Socket, number: number) => unknown,
) {
  const path = `${dirname(variables['TCPALIVE_GUARD_SOCKET'] ?? '')}/other`;
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket, accepted.push(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  server.listen(path);
  await once(server, 'listening');
  return { path, accepted };
}

/** A module that has `register` of the built package. */
function node({ variables }: Pick<Heard, 'variables'>, code: string) {
  const module = `import { register } from 'tcpalive/guardian';\nprocess.stdin.resume();\n${code}`;
  return run(process.execPath, ['--input-type=module', '-e', module], variables);
}

function run(
  command: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): ChildProcessWithoutNullStreams {
  const child = spawn(command, args, { env: { ...process.env, ...variables } });
  child.stderr.pipe(process.stderr);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Between two beats, once there was one of at least `atLeastMs`. */
async function longestSilence(service: Heard, atLeastMs: number): Promise<number> {
  let [heard, at, longest] = [beats(service), performance.now(), 0];
  await until(() => {
    if (beats(service) === heard) return false;
    longest = Math.max(longest, performance.now() - at);
    [heard, at] = [beats(service), performance.now()];
    return longest >= atLeastMs;
  }, SOON_MS);
  return longest;
}
