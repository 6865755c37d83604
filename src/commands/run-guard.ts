import { formatDuration } from '../core/duration.js';
import { formatEndpoint } from '../core/endpoint.js';
import type { GuardConfig, ServiceConfig } from '../core/guard/service-config.js';
import { TcpaliveError } from '../errors.js';
import { GuardRun } from '../guard/guard-run.js';
import type { StatusServer } from '../net/status-server.js';
import type { Environment } from './environment.js';
import { guardOutput, type GuardOutput } from './guard-output.js';
import { readGuardPlan, type GuardPlan } from './guard-plan.js';
import { ownGuardTools } from './guard-tools.js';
import type { GuardFlags } from './guard.js';
import { listenForInterrupt } from './interrupt.js';
import { keepHeapSmall } from './small-heap.js';
import { tellBug } from './tell-bug.js';

/** @param service from flags; undefined: they are in a file */
export async function runGuard(
  env: Environment,
  flags: GuardFlags,
  service: ServiceConfig | undefined,
): Promise<void> {
  keepHeapSmall();
  const readPlan = () => readGuardPlan(env, flags, service);
  let plan = await readPlan();
  const output = guardOutput(env, flags, () => isQuiet(plan.config));
  const interrupt = listenForInterrupt(env);
  try {
    const owned = await ownGuardTools(env, output, plan.config, {
      speechFor: (check) => plan.speechFor(check),
      certificatesFor: (each) => plan.certificatesFor(each),
    });
    output.neverBlock(owned.tools.kernel);
    try {
      const run = new GuardRun({
        config: plan.config,
        dryRun: flags.dryRun ?? false,
        tools: { ...owned.tools, ownsStdout: flags.json ?? false },
        onEvent: (event) => output.print(event),
      });
      const reload = async () => {
        try {
          plan = await readPlan();
          owned.expect(plan.config);
          run.reload(plan.config);
        } catch (error) {
          if (!(error instanceof TcpaliveError)) throw error;
          output.print({ event: 'reload-failed', reason: error.message });
        }
      };
      // One after another: the last one reads what is there last, and has the last word.
      let reloads = Promise.resolve();
      const unlisten = env.onHangup(() => {
        output.reopen();
        if (flags.config !== undefined) reloads = reloads.then(reload);
      });
      const ready = () => owned.othersHaveEnded(interrupt.signal);
      await guardUntil(run, plan, ready, { env, flags, output, interrupt });
      unlisten();
      env.setExitCode(interrupt.exitCode(run.lost.length === 0 ? 0 : LOST));
    } finally {
      await owned.close();
    }
  } finally {
    output.close();
  }
}

/** A negative verdict: a service is down, and nothing more is done about it. */
const LOST = 1;

interface Surroundings {
  readonly env: Environment;
  readonly flags: GuardFlags;
  readonly output: GuardOutput;
  readonly interrupt: ReturnType<typeof listenForInterrupt>;
}

async function guardUntil(
  run: GuardRun,
  plan: GuardPlan,
  ready: () => Promise<void>,
  { env, flags, output, interrupt }: Surroundings,
): Promise<void> {
  const status = await startStatus(env, run, flags);
  try {
    output.print({
      event: 'guarding',
      schema: 'tcpalive/guard/1',
      pid: process.pid,
      services: plan.config.services.map(({ name }) => name),
      dryRun: flags.dryRun ?? false,
    });
    if (status !== undefined) {
      output.print({ event: 'status', address: formatEndpoint(status.address) });
    }
    output.watch(() => run.status());
    await ready();
    if (!interrupt.happened) run.begin();
    const end = () => run.end(interrupt.received ?? 'SIGTERM');
    if (interrupt.happened) end();
    else interrupt.signal.addEventListener('abort', end, { once: true });
    const unlisten = env.onExit(() => output.warn(leftWords(plan.config)));
    await run.done;
    unlisten();
    output.print(run.summary());
  } finally {
    await status?.close();
  }
}

/** For who does not wait: a second Ctrl-C or SIGTERM ends the guardian alone. */
function leftWords(config: GuardConfig): string {
  const atMost = formatDuration(Math.max(...config.services.map((each) => each.stopTimeoutMs)));
  return `what still runs is left to the sentinel: SIGTERM again, and SIGKILL after ${atMost}`;
}

function startStatus(
  env: Environment,
  run: GuardRun,
  { status }: GuardFlags,
): Promise<StatusServer | undefined> {
  if (status === undefined) return Promise.resolve(undefined);
  return import('./guard-status.js').then(({ guardStatusServer }) =>
    guardStatusServer(status, () => run.status(), tellBug(env)),
  );
}

/** No service writes where the guardian does. */
function isQuiet({ services }: GuardConfig): boolean {
  return services.every(({ command, output }) => command === undefined || output === 'ignore');
}
