/** The next useful command, by what is there, as narrow as the survey was; or why none is needed. */
import { fateWords, type Moment } from '../core/fate.js';
import type { Connection, Survey } from '../core/survey.js';
import { countWords } from './count-words.js';
import { printable } from './printable.js';
import { servicePort } from './survey-groups.js';
import type { SurveyScope } from './survey-options.js';
import { askedCounts, countOf, type FateSummary } from './survey-summary.js';
import { latestWords } from './time-words.js';

interface NextCommand {
  readonly command: string;
  readonly why: string;
}

interface Shown {
  readonly scope: SurveyScope;
  readonly rows: number;
}

/** One line each, `Next: COMMAND  (why)`, or a sentence where there is nothing to type. */
export function nextLines(
  survey: Survey,
  summaries: readonly FateSummary[],
  { scope, rows }: Shown,
): readonly string[] {
  const { connections, namespaces } = survey;
  if (connections.length === 0) return [];
  const next = namespaces.some(({ id }) => id === 'file') ? 'Next, there:' : 'Next:';
  return nextSteps(survey, summaries, { scope, rows }).map((step) =>
    printable(typeof step === 'string' ? step : `${next} ${step.command}  (${step.why})`),
  );
}

/** Not dead, and not to be forgotten. */
export function waitingLines(
  summaries: readonly FateSummary[],
  connections: readonly Connection[],
): readonly string[] {
  const slow = countOf(summaries, 'slow');
  if (slow === 0) return [];
  const forEver = connections.filter(
    ({ fate }) => fate.kind === 'slow' && fate.ends.kind === 'never',
  ).length;
  const which = forEver === slow ? '' : `${forEver} of them `;
  const howLong = forEver === 0 ? '' : `, ${which}for as long as it answers`;
  return [
    `${countWords(slow, 'connection')} ${slow === 1 ? 'waits' : 'wait'} for a peer that has no room for more${howLong}.`,
  ];
}

/** Longer than anybody would call noticed: the kernel's own keepalive waits two hours. */
const LATE_MS = 3_600_000;

function nextSteps(
  survey: Survey,
  summaries: readonly FateSummary[],
  { scope, rows }: Shown,
): readonly (NextCommand | string)[] {
  const { connections } = survey;
  const { silent } = askedCounts(summaries);
  if (silent > 0) {
    const reap = tcpalive(survey, isSilent, [
      'reap --ask',
      ...(scope.filters.length > 0 ? scope.filters : [`--port ${busiest(survey, isSilent).port}`]),
    ]);
    const why = 'closes what stays silent; a dry run until --yes';
    return [{ command: reap, why }, protect(survey, scope, isSilent)];
  }
  const ask = askStep(survey, scope);
  if (ask !== undefined) return [ask];
  if (connections.some(({ ask: { kind } }) => kind === 'no-way-out')) {
    const why = 'again, once something can leave this host for them';
    return [{ command: askCommand(scope), why }];
  }
  if (countOf(summaries, 'forever') > 0) {
    return [protect(survey, scope, ({ fate }) => fate.kind === 'forever')];
  }
  const list = (kind: 'leaked' | 'slow') =>
    ['tcpalive ls', `--fate ${kind}`, '--all', ...scope.filters, ...scope.netns].join(' ');
  const areShown = rows >= connections.length;
  if (countOf(summaries, 'leaked') > 0) {
    const why = 'only its program can close them';
    return [
      areShown ? 'What is leaked only its program can close.' : { command: list('leaked'), why },
    ];
  }
  const asked = connections.filter(isBeingAsked).length;
  if (countOf(summaries, 'dying') > asked) {
    const command = tcpalive(survey, ({ fate }) => fate.kind === 'dying', [
      'reap --fate dying',
      ...scope.filters,
    ]);
    return [{ command, why: 'frees them before their time; a dry run until --yes' }];
  }
  if (asked > 0) return ['An ask is under way: look again when it is over.'];
  if (countOf(summaries, 'slow') > 0) {
    return areShown ? [] : [{ command: list('slow'), why: 'whose peers do not read' }];
  }
  const unknown = countOf(summaries, 'unknown');
  if (unknown > 0) {
    const why = `${countWords(unknown, 'connection')}: ${fateWords.unknown}; what these rights allow`;
    return [{ command: 'tcpalive doctor', why }];
  }
  return noticed(survey, scope);
}

/** Undefined: there is nobody to ask, or all that could be asked have been. */
function askStep(survey: Survey, scope: SurveyScope): NextCommand | undefined {
  const unasked = survey.connections.filter(
    ({ fate, ask }) => fate.kind === 'forever' && ask.kind === 'not-asked',
  );
  const byAnybody = scope.asked
    ? []
    : unasked.filter((each) => !isOthers(each) && !isNobodys(each));
  const byRoot = unasked.filter(isOthers);
  const asked = byAnybody.length + byRoot.length;
  if (asked === 0) return undefined;
  const sudo = byAnybody.length === 0 ? 'sudo ' : '';
  return {
    command: `${sudo}${askCommand(scope)}`,
    why:
      asked === 1
        ? 'settles whether it is dead or merely quiet'
        : `settles which of ${asked} are dead, which merely quiet`,
  };
}

function askCommand({ filters, netns }: SurveyScope): string {
  return ['tcpalive ls --ask', ...filters, ...netns].join(' ');
}

/** Only root may look into whoever holds it: so host/survey.ts ends its reasons. */
function isOthers({ optionsUnread }: Connection): boolean {
  return optionsUnread?.endsWith('root can') ?? false;
}

/** Not accepted yet, or let go of: so host/survey.ts begins its reasons. */
function isNobodys({ optionsUnread }: Connection): boolean {
  return optionsUnread?.startsWith('no process ') ?? false;
}

/** What host/ask-options.ts sets while it waits for an answer, and nobody else. */
function isBeingAsked({ fate, keepalive }: Connection): boolean {
  return (
    fate.kind === 'dying' &&
    keepalive.kind === 'known' &&
    keepalive.intervalSeconds === 32_767 &&
    keepalive.count === 127
  );
}

function protect(
  survey: Survey,
  scope: SurveyScope,
  wanted: (connection: Connection) => boolean,
  why = 'a dry run until --yes',
): NextCommand {
  const { port, isLocal, pid } = busiest(survey, wanted);
  // Its --port is that of the program's own end.
  const target = scope.target ?? (isLocal || pid === undefined ? `--port ${port}` : `${pid}`);
  const command = tcpalive(survey, wanted, ['protect', target, '--keepalive 60s:10s:6']);
  return { command, why };
}

/** `reap` and `protect` work where they are started: in another namespace, from inside it. */
function tcpalive(
  { connections, namespaces }: Survey,
  wanted: (connection: Connection) => boolean,
  words: readonly string[],
): string {
  const own =
    namespaces.find(({ name }) => name === 'this') ??
    namespaces.find(({ name }) => name === 'host');
  const [first] = connections.filter(wanted);
  const pid = first?.process?.pid;
  const isElsewhere = own !== undefined && first !== undefined && first.namespace !== own.id;
  const enter = isElsewhere && pid !== undefined ? [`sudo nsenter -n -t ${pid}`] : [];
  return [...enter, 'tcpalive', ...words].join(' ');
}

interface Busiest {
  readonly port: number;
  readonly isLocal: boolean;
  readonly pid: number | undefined;
}

/** The service that most of them belong to. */
function busiest(survey: Survey, wanted: (connection: Connection) => boolean): Busiest {
  const portOf = servicePort(survey);
  const counts = new Map<string, Busiest & { count: number }>();
  for (const connection of survey.connections.filter(wanted)) {
    const { port, isLocal } = portOf(connection);
    const key = `${port} ${isLocal}`;
    const known = counts.get(key);
    if (known === undefined) {
      counts.set(key, { port, isLocal, pid: connection.process?.pid, count: 1 });
    } else known.count++;
  }
  const none = { port: 0, isLocal: true, pid: undefined, count: 0 };
  return [...counts.values()].reduce((a, b) => (b.count > a.count ? b : a), none);
}

function isSilent({ ask }: Connection): boolean {
  return ask.kind === 'silent';
}

/** How late the last of them would be noticed. */
function noticed(survey: Survey, scope: SurveyScope): readonly (NextCommand | string)[] {
  const armed = survey.connections.flatMap(({ fate }) => (fate.kind === 'armed' ? [fate] : []));
  if (armed.length === 0) return ['Nothing lingers: what is closing, the kernel finishes.'];
  const idle = latest(armed.map((fate) => fate.idle));
  const busy = latest(armed.map((fate) => fate.busy));
  const forEver = idle === 'never' ? '' : ' for ever';
  const words = [whenWords(idle, 'idle'), whenWords(busy, 'busy')].filter((each) => each !== '');
  const sentence =
    words.length === 0
      ? 'Nothing lingers for ever; when a peer that vanishes is noticed could not be read of all.'
      : `Nothing lingers${forEver}: a peer that vanishes is noticed ${words.join(', ')}.`;
  if (typeof idle === 'string' || idle <= LATE_MS) return [sentence];
  return [sentence, protect(survey, scope, isArmed, 'notices sooner; a dry run until --yes')];
}

function isArmed({ fate }: Connection): boolean {
  return fate.kind === 'armed';
}

function latest(moments: readonly Moment[]): number | 'never' | 'unknown' {
  let latestMs = 0;
  for (const moment of moments) {
    if (moment.kind === 'never' || moment.kind === 'unknown') return moment.kind;
    latestMs = Math.max(latestMs, moment.ms.max);
  }
  return latestMs;
}

function whenWords(when: number | 'never' | 'unknown', doing: string): string {
  if (when === 'unknown') return '';
  const words = when === 'never' ? 'never' : `within ${latestWords({ min: when, max: when })}`;
  return `${words} when ${doing}`;
}
