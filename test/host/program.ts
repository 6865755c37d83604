/** Somebody's running program: a server in a process of its own that sets no option unless told to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../src/core/endpoint.js';
import { descriptorOf } from '../../src/net/descriptor.js';

export interface ProgramOptions {
  /** What it does to a connection that it has accepted; `flood` writes more than any buffer holds. */
  readonly onAccept?: 'nothing' | 'keepalive' | 'flood';
  /** Opens a connection to itself. */
  readonly opens?: boolean;
  /** In front of it: another user, another namespace. */
  readonly through?: readonly string[];
  readonly uid?: number;
}

export interface Program {
  readonly pid: number;
  /** On all addresses: no other socket of its namespace has it as its own. */
  readonly port: number;
  readonly child: ChildProcess;
}

/** The times that `keepalive` sets: Node's own interval and count. */
export const OWN_KEEPALIVE = { idleSeconds: 30, intervalSeconds: 1, count: 10 };

const SCRIPT = `
const { connect, createServer } = require('node:net');
const [onAccept, opens] = process.argv.slice(1);
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  if (onAccept === 'keepalive') socket.setKeepAlive(true, ${OWN_KEEPALIVE.idleSeconds * 1000});
  if (onAccept === 'flood') socket.write(Buffer.alloc(64 * 1024 * 1024));
});
server.listen(0, () => {
  const { port } = server.address();
  const ready = () => process.send(port);
  if (opens === 'true') connect(port, '127.0.0.1', ready).on('error', () => undefined);
  else ready();
});
process.on('disconnect', () => process.exit());
`;

/** Gone after the test. */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const { onAccept = 'nothing', opens = false, through = [], uid } = options;
  const line = [...through, process.execPath, '-e', SCRIPT, onAccept, String(opens)];
  const [command = '', ...args] = line;
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  if (child.pid === undefined) throw new Error('not started');
  return { pid: child.pid, port, child };
}

export interface Client {
  readonly socket: Socket;
  readonly fd: number;
  /** As the server sees it. */
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

/** A client that reads nothing and says nothing. Gone after the test. */
export async function openClient(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const fd = descriptorOf(socket);
  if (fd === undefined) throw new Error('no descriptor');
  return {
    socket,
    fd,
    local: { address: '127.0.0.1', port },
    peer: { address: '127.0.0.1', port: socket.localPort ?? 0 },
  };
}
