/** What `asNobody` runs: a survey by a user without any right, told on stdout. */
import { takeSurvey } from '../../src/host/survey.js';
import { openKernel } from '../../src/kernel/open-kernel.js';
import { endsOf, Sockets } from './sockets.js';

const kernel = await openKernel();
const sockets = new Sockets();
const own = await sockets.pair((work) => work());
kernel.setKeepalive(own.connected, { idleSeconds: 61, intervalSeconds: 11, count: 7 });
const survey = await takeSurvey(kernel, {
  namespaces: process.argv[2],
  selection: {},
  owners: true,
});
const { connected: fd, accepted } = own;
const told = { pid: process.pid, fd, ends: endsOf(fd, accepted), survey };
// All of it, before the end.
process.stdout.write(JSON.stringify(told), () => sockets.closeAll());
