/**
 * Ends connections that are proven dead. Each is looked at again just before, by its cookie; the
 * evidence of all is on disk before the first is ended, and what became of each soon after.
 */
import { countedReasons } from '../core/counted-reasons.js';
import { groupBy } from '../core/group-by.js';
import {
  neverEnded,
  reapVerdict,
  type KeptReason,
  type Reaped,
  type ReapOutcome,
  type ReapResult,
  type ReapRules,
} from '../core/reap.js';
import type { Selection } from '../core/selection.js';
import type { Connection, Survey } from '../core/survey.js';
import { pause } from '../kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import { askAbout, putBackLeftovers } from './ask-about.js';
import { openJournal, type Journal } from './journal.js';
import { takeSurvey } from './survey.js';
import { settledWaysOut, whyUnheard } from './ways-out.js';

export interface ReapRequest {
  readonly selection: Selection;
  readonly rules: ReapRules;
  /** How long an answer may take; undefined: nobody is asked. */
  readonly askWaitMs: number | undefined;
  /** Where the evidence is written; undefined: a dry run. */
  readonly recordFile: string | undefined;
  /** For the records of asks. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly interruption: AbortSignal;
  /** Progress: a line of text. */
  readonly tell: (line: string) => void;
}

/** @throws TcpaliveError NO_CAPABILITY where no record can be written: then nothing is ended */
export async function reap(kernel: Kernel, request: ReapRequest): Promise<ReapResult> {
  const { survey, silentTwice } = await look(kernel, request);
  const { dead, kept, notes } = await judge(kernel, survey, silentTwice, request);
  const { recordFile, interruption } = request;
  const isNeeded = recordFile !== undefined && dead.length > 0 && !interruption.aborted;
  const connections = isNeeded
    ? await endAll(kernel, dead, recordFile, interruption)
    : dead.map((each) =>
        described(each, { kind: interruption.aborted ? 'interrupted' : 'would-end' }),
      );
  return {
    schema: 'tcpalive/reap/1',
    complete: !interruption.aborted,
    takenAt: survey.takenAt,
    dryRun: recordFile === undefined,
    connections,
    kept,
    recordFile: isNeeded ? recordFile : null,
    notes: [...survey.notes, ...notes],
  };
}

/** With --ask twice whoever may be ended, and the second time only those that were silent. */
async function look(
  kernel: Kernel,
  { selection, rules, askWaitMs, variables, interruption, tell }: ReapRequest,
): Promise<{ readonly survey: Survey; readonly silentTwice: ReadonlySet<string> }> {
  const survey = (selected = selection) =>
    takeSurvey(kernel, { owners: true, selection: selected });
  putBackLeftovers(kernel, variables, tell);
  if (askWaitMs === undefined) return { survey: await survey(), silentTwice: new Set() };
  const asking = { waitMs: askWaitMs, variables, interruption, tell };
  const first = await askAbout(kernel, await survey(), {
    ...asking,
    only: (connection) => neverEnded(connection, rules.session) === undefined,
  });
  const once = silentCookies(first);
  // An answer to the first ask has ended the silence of whoever gave it.
  const sameAsBefore = only(await survey({ ...selection, silentMs: undefined }), first);
  const again = await askAbout(kernel, sameAsBefore, {
    ...asking,
    only: ({ cookie }) => cookie !== null && once.has(cookie),
  });
  return { survey: withFirstAnswers(again, first), silentTwice: silentCookies(again) };
}

/** Of a survey those that were in the one before. */
function only(survey: Survey, before: Survey): Survey {
  const known = new Set(before.connections.map(({ cookie }) => cookie));
  return { ...survey, connections: survey.connections.filter(({ cookie }) => known.has(cookie)) };
}

function silentCookies({ connections }: Survey): ReadonlySet<string> {
  const silent = connections.filter(({ ask }) => ask.kind === 'silent');
  return new Set(silent.flatMap(({ cookie }) => cookie ?? []));
}

/** Who was not silent the first time was not asked again. */
function withFirstAnswers(again: Survey, first: Survey): Survey {
  const answered = new Map(
    first.connections.flatMap(({ cookie, ask }) =>
      cookie !== null && ask.kind !== 'silent' ? [[cookie, ask] as const] : [],
    ),
  );
  const withAnswer = (connection: Connection): Connection => {
    const ask = answered.get(connection.cookie ?? '');
    return ask === undefined ? connection : { ...connection, ask };
  };
  return {
    ...again,
    notes: [...new Set([...first.notes, ...again.notes])],
    connections: again.connections.map(withAnswer),
  };
}

/** What is about to be sent once more may be answered this time: tcp_rto_max_ms is two minutes. */
function dyingNotes(dead: readonly Dead[]): readonly string[] {
  const dying = dead.filter(({ connection }) => connection.fate.kind === 'dying').length;
  return dying === 0
    ? []
    : [
        `${dying} by what was last sent up to 2m ago: if an outage has just ended, wait so long first`,
      ];
}

/** A proven death. */
interface Dead {
  readonly connection: Connection;
  readonly evidence: string;
}

interface Judged {
  readonly dead: readonly Dead[];
  readonly kept: ReapResult['kept'];
  readonly notes: readonly string[];
}

/** Nobody is dead because this host has no way out: what it retransmits goes nowhere either. */
async function judge(
  kernel: Kernel,
  { connections }: Survey,
  silentTwice: ReadonlySet<string>,
  { rules, interruption }: ReapRequest,
): Promise<Judged> {
  const dead: Dead[] = [];
  const kept: KeptReason[] = [];
  for (const connection of connections) {
    const verdict = reapVerdict(connection, rules, silentTwice.has(connection.cookie ?? ''));
    if (verdict.kind === 'dead') dead.push({ connection, evidence: verdict.evidence });
    else kept.push(verdict.reason);
  }
  const unheard = await unheardOf(kernel, dead, interruption);
  kept.push(...Array.from(unheard, () => 'no-way-out' as const));
  const counts = groupBy(kept, (reason) => reason);
  const ended = dead.filter((each) => !unheard.has(each));
  return {
    dead: ended,
    kept: [...counts].map(([reason, { length }]) => ({ reason, connections: length })),
    notes: [...countedReasons('not called dead', [...unheard.values()]), ...dyingNotes(ended)],
  };
}

/** Those that nothing from here can reach just now, and why. */
async function unheardOf(
  kernel: Kernel,
  dead: readonly Dead[],
  interruption: AbortSignal,
): Promise<ReadonlyMap<Dead, string>> {
  const connections = dead.map(({ connection }) => connection);
  const ways = await settledWaysOut(kernel, connections, interruption);
  const unheard = new Map<Dead, string>();
  for (const each of dead) {
    const way = ways.get(each.connection);
    const reason = whyUnheard(way, way);
    if (reason !== undefined) unheard.set(each, reason);
  }
  return unheard;
}

/** So many at once: their program has as many errors to handle. */
const BATCH = 100;
const BATCH_EVERY_MS = 50;

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
    for (let at = 0; at < dead.length; at += BATCH) {
      if (at > 0) await pause(BATCH_EVERY_MS, interruption);
      const batch = dead
        .slice(at, at + BATCH)
        .map((each) =>
          described(each, interruption.aborted ? { kind: 'interrupted' } : end(kernel, each)),
        );
      record(journal, batch);
      reaped.push(...batch);
    }
  } finally {
    journal.close();
  }
  return reaped;
}

function record(journal: Journal, batch: readonly Reaped[]): void {
  journal.append(
    jsonLines(
      batch.map(({ local, peer, cookie, outcome }) => {
        return { did: outcome.kind, local, peer, cookie, outcome };
      }),
    ),
  );
}

function jsonLines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

function described({ connection, evidence }: Dead, outcome: ReapOutcome): Reaped {
  const { local, peer, process, cookie, silentMs, unansweredMs } = connection;
  return { local, peer, process, cookie, silentMs, unansweredMs, evidence, outcome };
}

const ENOENT = 2;

/** The kernel ends exactly the one with that cookie, or none. */
function end(kernel: Kernel, { connection }: Dead): ReapOutcome {
  const { local, peer, interfaceIndex, cookie, silentMs } = connection;
  if (cookie === null) return { kind: 'refused', reason: 'no cookie' };
  try {
    const now = kernel.socketDiag(local, peer, interfaceIndex);
    if (now?.cookie !== cookie) return { kind: 'gone' };
    if (now.info === null) return { kind: 'refused', reason: 'nothing is known of it any more' };
    if (now.info.silentMs < (silentMs ?? 0)) return { kind: 'answered' };
    kernel.destroy({ local, peer, interfaceIndex, cookie });
    return { kind: 'ended' };
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    return error.errno === ENOENT ? { kind: 'gone' } : { kind: 'refused', reason: error.message };
  }
}
