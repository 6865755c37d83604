/** Whatever may be at the address that somebody takes for a server's status. */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Endpoint } from '../../src/core/endpoint.js';
import type { RestartEntry } from '../../src/core/serve-log.js';
import { requestReplacement } from '../../src/net/replace-request.js';
import { TEST_MS } from '../real-kernel.js';
import { served } from './served.js';

const of = { time: '2026-11-20T14:02:07.123Z', pid: 4711 };
const restarting = { event: 'restarting', ...of, successor: 4712, readyTimeoutMs: 1 } as const;
const restarted = { event: 'restarted', ...of, successor: 4712 } as const;

interface Heard {
  readonly silence: string;
  readonly entries: readonly RestartEntry[];
}

async function hear(at: Endpoint, interruption = new AbortController().signal): Promise<Heard> {
  const entries: RestartEntry[] = [];
  const onEntry = (entry: RestartEntry) => entries.push(entry);
  return { silence: await requestReplacement(at, { interruption, onEntry }), entries };
}

async function listening(server: Server | ReturnType<typeof createServer>): Promise<Endpoint> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return { address: '127.0.0.1', port: (server.address() as { port: number }).port };
}

function http(listener: RequestListener): Promise<Endpoint> {
  return listening(createHttpServer(listener));
}

/** One of ours, that says this and no more. */
function saying(status: number, body: string, end = true): Promise<Endpoint> {
  return http((_, response) => {
    response.writeHead(status, { server: 'tcpalive' }).write(body);
    if (end) response.end();
  });
}

function line(entry: RestartEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

describe('asking for a replacement', { timeout: TEST_MS }, () => {
  it('asks once, as no web page could, and hears every entry', async () => {
    const asked: unknown[] = [];
    const at = await http((request, response) => {
      const { method, url, headers } = request;
      asked.push({ method, url, tcpalive: headers['tcpalive'], host: headers.host });
      response.writeHead(202, { server: 'tcpalive' });
      const text = line(restarting) + line(restarted);
      response.write(text.slice(0, 10));
      setImmediate(() => response.end(text.slice(10)));
    });
    expect((await hear(at)).entries).toEqual([restarting, restarted]);
    expect(asked).toEqual([
      { method: 'POST', url: '/replace', tcpalive: '1', host: `127.0.0.1:${at.port}` },
    ]);
  });

  it('of a server that ends in the middle is not known', async () => {
    expect(await hear(await saying(202, line(restarting)))).toEqual({
      silence: 'it ended the connection',
      entries: [restarting],
    });
    const at = await http((_, response) => {
      response.writeHead(202, { server: 'tcpalive' });
      response.write(line(restarting), () => response.destroy());
    });
    expect(await hear(at)).toEqual({ silence: 'ECONNRESET', entries: [restarting] });
  });

  it('of a server that hangs is given up: before it has begun, and beyond its ready timeout', async () => {
    const mute = await listening(createServer((socket) => socket.on('error', () => undefined)));
    const begun = await saying(202, line(restarting), false);
    await Promise.all([
      expect(hear(mute)).rejects.toMatchObject({
        code: 'NO_ANSWER',
        message: `cannot ask 127.0.0.1:${mute.port}: it does not answer in time`,
      }),
      expect(hear(begun)).resolves.toEqual({
        silence: 'it does not answer in time',
        entries: [restarting],
      }),
    ]);
  });

  it('is waited for no more after an interruption', async () => {
    const begun = await saying(202, line(restarting), false);
    const interruption = new AbortController();
    const heard: RestartEntry[] = [];
    const silence = await requestReplacement(begun, {
      interruption: interruption.signal,
      onEntry: (entry) => {
        heard.push(entry);
        interruption.abort();
      },
    });
    expect({ silence, heard }).toEqual({ silence: 'interrupted', heard: [restarting] });
  });

  it('is refused with the words of the server, and waits for no more of them', async () => {
    let left: Promise<unknown> | undefined;
    const at = await http((_, response) => {
      left = once(response, 'close');
      response.writeHead(403, { server: 'tcpalive' });
      response.write("user 7 asks, and this process is another user's\n");
    });
    await expect(hear(at)).rejects.toMatchObject({
      code: 'NO_CAPABILITY',
      message: `127.0.0.1:${at.port} refuses: user 7 asks, and this process is another user's`,
    });
    await left;
  });

  it.each<[string, () => Promise<Endpoint>, RegExp]>([
    ['another web server', () => http((_, response) => response.end('hello')), /: HTTP 200$/],
    [
      'an older version',
      () => saying(404, 'there is: /status\n'),
      /: HTTP 404, of an older version or no serve$/,
    ],
    [
      'one that says nonsense',
      () => saying(202, 'hello\n'),
      /: what it says is no event of serve$/,
    ],
    [
      'one that never ends its line',
      () => saying(202, 'x'.repeat(100_000), false),
      /: it says more than any server of ours$/,
    ],
    [
      'no web server',
      () => listening(createServer((socket) => void socket.end('SSH-2.0-x\r\n'))),
      /: HPE_/,
    ],
    [
      'a server of ours that echoes',
      async () => (await served({ framing: 'raw' })).server.address,
      /: HPE_/,
    ],
  ])('takes no %s for one that can be replaced', async (_, start, why) => {
    await expect(hear(await start())).rejects.toMatchObject({
      code: 'WRONG_PROTOCOL',
      message: expect.stringMatching(why) as unknown,
    });
  });

  it('reaches nobody where nobody is', async () => {
    const server = createServer();
    const at = await listening(server);
    server.close();
    await once(server, 'close');
    await expect(hear(at)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `cannot ask 127.0.0.1:${at.port}: ECONNREFUSED`,
    });
  });
});
