/** `reap`: looks, asks twice where it was told to, shows or ends, and keeps a record of what it ended. */
import { join } from 'node:path';
import { reapVerdict, type Reaped, type ReapResult, type ReapRules } from '../core/reap.js';
import type { Survey } from '../core/survey.js';
import { TcpaliveError } from '../errors.js';
import { askAbout, putBackLeftovers } from '../host/ask-about.js';
import { described, end, type Dead } from '../host/reap.js';
import { openJournal, stateFolder } from '../host/journal.js';
import { requireProcess } from '../host/process.js';
import { ownSession } from '../host/session.js';
import { takeSurvey } from '../host/survey.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';
import { jsonText } from '../report/json.js';
import { printable } from '../report/printable.js';
import { reportReap } from '../report/reap.js';
import { askWaitMs } from './ask-wait.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import type { ReapFlags } from './reap.js';
import { selectionFrom } from './selection.js';
import { styleFor } from './style.js';

export async function runReap(env: Environment, flags: ReapFlags): Promise<void> {
  const kernel = await openKernel();
  refuseWithoutDestroy(kernel);
  if (flags.pid !== undefined) requireProcess(kernel, flags.pid);
  const interrupt = listenForInterrupt(env);
  const { survey, silentTwice } = await lookTwice(env, kernel, flags, interrupt.signal);
  const { dead, kept } = judge(survey, silentTwice, {
    afterMs: flags.after,
    session: ownSession(kernel, env.variables),
  });
  const isDry = flags.yes !== true;
  const recordFile =
    isDry || dead.length === 0 || interrupt.happened ? null : recordPath(env, flags);
  const connections =
    recordFile === null
      ? dead.map((each) => described(each, { kind: isDry ? 'would-close' : 'interrupted' }))
      : await endAll(kernel, dead, recordFile, interrupt.signal);
  interrupt.ignore();
  const result: ReapResult = {
    schema: 'tcpalive/reap/1',
    complete: !interrupt.happened,
    takenAt: survey.takenAt,
    dryRun: isDry,
    connections,
    kept,
    recordFile,
    notes: survey.notes,
  };
  const style = styleFor(env, env.stdout, flags.color);
  env.stdout.write(reportReap(result, { format: flags.json === true ? 'json' : 'table', style }));
  const wasRefused = connections.some(({ outcome }) => outcome.kind === 'refused');
  env.setExitCode(interrupt.exitCode(wasRefused ? COULD_NOT : 0));
}

const COULD_NOT = 3;

function refuseWithoutDestroy({ capabilities }: Kernel): void {
  if (!capabilities.sockDiag) {
    throw new TcpaliveError('NO_CAPABILITY', "the kernel's table of sockets cannot be read here");
  }
  if (!capabilities.sockDestroy) {
    throw new TcpaliveError(
      'NO_CAPABILITY',
      'nothing can be ended from outside: no SOCK_DESTROY here',
      {
        hint: 'it takes root and a kernel with INET_DIAG_DESTROY; tcpalive protect works without it',
      },
    );
  }
}

/** Asks twice, and the second time only those that were silent. */
async function lookTwice(
  env: Environment,
  kernel: Kernel,
  flags: ReapFlags,
  interruption: AbortSignal,
): Promise<{ readonly survey: Survey; readonly silentTwice: ReadonlySet<string> }> {
  const request = { owners: true, selection: selectionFrom(flags) };
  if (flags.ask === undefined) {
    return { survey: takeSurvey(kernel, request), silentTwice: new Set() };
  }
  const tell = (line: string) => env.stderr.write(`${printable(line)}\n`);
  const waitMs = askWaitMs(flags.ask);
  const asking = { waitMs, variables: env.variables, interruption, tell };
  putBackLeftovers(kernel, env.variables, tell);
  const once = silentCookies(await askAbout(kernel, takeSurvey(kernel, request), asking));
  const again = takeSurvey(kernel, request);
  const survey = await askAbout(kernel, again, {
    ...asking,
    only: ({ cookie }) => cookie !== null && once.has(cookie),
  });
  return { survey, silentTwice: silentCookies(survey) };
}

function silentCookies({ connections }: Survey): ReadonlySet<string> {
  const silent = connections.filter(({ ask }) => ask.kind === 'silent');
  return new Set(silent.flatMap(({ cookie }) => cookie ?? []));
}

function judge(
  { connections }: Survey,
  silentTwice: ReadonlySet<string>,
  rules: ReapRules,
): { readonly dead: readonly Dead[]; readonly kept: Readonly<Record<string, number>> } {
  const dead: Dead[] = [];
  const kept: Record<string, number> = {};
  for (const connection of connections) {
    const isSilent = connection.cookie !== null && silentTwice.has(connection.cookie);
    const verdict = reapVerdict(connection, rules, isSilent);
    if (verdict.kind === 'dead') dead.push({ connection, evidence: verdict.evidence });
    else kept[verdict.reason] = (kept[verdict.reason] ?? 0) + 1;
  }
  return { dead, kept };
}

/** So many at once: their program has as many errors to handle. */
const BATCH = 100;
const BATCH_EVERY_MS = 50;

/** The evidence of all is on disk before the first is ended. */
async function endAll(
  kernel: Kernel,
  dead: readonly Dead[],
  path: string,
  interruption: AbortSignal,
): Promise<readonly Reaped[]> {
  const journal = openJournal(path);
  const reaped: Reaped[] = [];
  try {
    journal.append(
      jsonLines(dead.map(({ connection, evidence }) => ({ to: 'end', evidence, connection }))),
    );
    for (const [at, each] of dead.entries()) {
      if (at > 0 && at % BATCH === 0) await pause(BATCH_EVERY_MS, interruption);
      reaped.push(
        described(each, interruption.aborted ? { kind: 'interrupted' } : end(kernel, each)),
      );
    }
    journal.append(
      jsonLines(
        reaped.map(({ local, peer, cookie, outcome }) => {
          return { did: 'end', local, peer, cookie, outcome };
        }),
      ),
    );
  } finally {
    journal.close();
  }
  return reaped;
}

function recordPath(env: Environment, { record }: ReapFlags): string {
  const time = new Date().toISOString().replaceAll(':', '');
  return record ?? join(stateFolder(env.variables), `reap-${time}.jsonl`);
}

function jsonLines(values: readonly object[]): string {
  return values.map((value) => `${jsonText(value)}\n`).join('');
}
