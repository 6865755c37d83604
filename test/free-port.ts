import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below net.ipv4.ip_local_port_range, from where the kernel gives ports to whoever asks for any. */
const FIRST = 20_000;
const LAST = 32_000;

/** Of 127.0.0.1, where nobody listens, and where nobody is put who asks for any port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
