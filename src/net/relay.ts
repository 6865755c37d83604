/**
 * A process in the path that passes bytes on, until it swallows them: its kernel goes on
 * acknowledging for a peer that hears nothing any more.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #swallowing = false;

  /** @param port of the server on this host's loopback that everything is passed on to */
  constructor(port: number) {
    this.#server = createServer((inner) => {
      const outer = connect(port, '127.0.0.1');
      this.#pass(inner, outer);
      this.#pass(outer, inner);
    });
  }

  /** @returns the port that it listens on */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as { port: number }).port;
  }

  /** From now on whatever arrives is read and goes nowhere. */
  swallow(): void {
    this.#swallowing = true;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (bytes) => {
      if (!this.#swallowing) to.write(bytes);
    });
    from.on('error', () => undefined); // its end is what matters
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!this.#swallowing) to.destroy();
    });
  }
}
