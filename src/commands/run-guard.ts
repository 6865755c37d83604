import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDuration } from '../core/duration.js';
import { formatEndpoint } from '../core/endpoint.js';
import type { GuardConfig, ServiceConfig } from '../core/guard/service-config.js';
import { TcpaliveError } from '../errors.js';
import { startBeatsListener } from '../guard/beats-listener.js';
import { Family } from '../guard/family.js';
import { GuardRun } from '../guard/guard-run.js';
import { keepSentinel } from '../guard/sentinel.js';
import { NotifyListener } from '../guard/notify-listener.js';
import type { Tools } from '../guard/service-hands.js';
import { openKernel } from '../kernel/open-kernel.js';
import type { StatusServer } from '../net/status-server.js';
import type { Environment } from './environment.js';
import { guardOutput, type GuardOutput } from './guard-output.js';
import { readGuardPlan, type GuardPlan } from './guard-plan.js';
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
    const owned = await ownTools(env, output, plan, (check) => plan.speechFor(check));
    try {
      const run = new GuardRun({
        config: plan.config,
        dryRun: flags.dryRun ?? false,
        tools: owned.tools,
        onEvent: (event) => output.print(event),
      });
      const unlisten = env.onHangup(() => {
        output.reopen();
        if (flags.config === undefined) return;
        void readPlan().then(
          (read) => {
            plan = read;
            run.reload(read.config);
          },
          (error: unknown) => {
            if (!(error instanceof TcpaliveError)) throw error;
            output.print({ event: 'reload-failed', reason: error.message });
          },
        );
      });
      await guardUntil(run, plan, { env, flags, output, interrupt });
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
  { config }: GuardPlan,
  { env, flags, output, interrupt }: Surroundings,
): Promise<void> {
  const status = await startStatus(env, run, flags);
  try {
    output.print({
      event: 'guarding',
      schema: 'tcpalive/guard/1',
      pid: process.pid,
      services: config.services.map(({ name }) => name),
      dryRun: flags.dryRun ?? false,
    });
    if (status !== undefined) {
      output.print({ event: 'status', address: formatEndpoint(status.address) });
    }
    output.watch(() => run.status());
    run.begin();
    const end = () => run.end(interrupt.received ?? 'SIGTERM');
    if (interrupt.happened) end();
    else interrupt.signal.addEventListener('abort', end, { once: true });
    await run.done;
    output.print(run.summary());
  } finally {
    await status?.close();
  }
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

interface OwnedTools {
  readonly tools: Omit<Tools, 'interruption'>;
  close(): Promise<void>;
}

/** @throws TcpaliveError NO_CAPABILITY, CANNOT_LISTEN */
async function ownTools(
  env: Environment,
  output: GuardOutput,
  { config }: GuardPlan,
  speechFor: Tools['speechFor'],
): Promise<OwnedTools> {
  const kernel = await openKernel();
  const named = env.variables['XDG_RUNTIME_DIR'] ?? '';
  const runtime = named === '' ? tmpdir() : named;
  const folder = await mkdtemp(join(runtime, 'tcpalive-notify-')).catch((cause: unknown) => {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new TcpaliveError('CANNOT_LISTEN', `no folder for sockets in ${runtime}: ${code}`, {
      hint: 'XDG_RUNTIME_DIR, or else TMPDIR, names a folder that this user may write to',
      cause,
    });
  });
  const family = new Family(kernel, env.variables);
  const notify = new NotifyListener(kernel);
  const beats = await startBeatsListener({ folder }, (cause) =>
    output.print({ event: 'stranger', reason: STRANGERS[cause] }),
  );
  const stopTimeoutMs = Math.max(...config.services.map((each) => each.stopTimeoutMs));
  const sentinel = keepSentinel(family, {
    command: [
      process.execPath,
      env.bin,
      'guard-sentinel',
      family.token,
      formatDuration(stopTimeoutMs),
      folder,
    ],
    onLost: (reason) => output.warn(`the sentinel is started again: ${reason}`),
  });
  return {
    tools: { kernel, family, beats, notify, folder, variables: env.variables, speechFor },
    async close() {
      await sentinel.close();
      await beats.close();
      notify.close();
      family.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const STRANGERS = {
  token: 'who said it is a service had no token of one',
  words: 'who said it is a service spoke another protocol',
  connections: 'more connections than a service has',
} as const;
