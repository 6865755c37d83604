/** `ls`: looks, asks where it was told to, reports; with --watch again and again. */
import { readFileSync } from 'node:fs';
import { failures } from '../core/fail-on.js';
import { surveyFromSs } from '../core/ss-survey.js';
import { parseSs } from '../core/ss-text.js';
import type { Survey } from '../core/survey.js';
import { TcpaliveError } from '../errors.js';
import { askAbout, putBackLeftovers, tellOfLeftovers } from '../host/ask-about.js';
import { requireProcess } from '../host/process.js';
import { surveyInto, takeSurvey, type SurveyRequest } from '../host/survey.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { printable } from '../report/printable.js';
import { reportSurvey } from '../report/survey.js';
import { SurveyLines, type LineFormat } from '../report/survey-lines.js';
import type { SurveyReportOptions, SurveyScope } from '../report/survey-options.js';
import { followingLines } from '../report/survey-table.js';
import { LOOKS_KEPT, watchLines, type Look } from '../report/survey-watch.js';
import { askable, showingProgress } from './ask-progress.js';
import { askWaitMs } from './ask-wait.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import type { LsFlags } from './ls.js';
import { filterWords, selectionFrom, shellWord } from './selection.js';
import { isAnimated, styleFor } from './style.js';
import { unreadableWords } from './unreadable.js';

export async function runLs(
  env: Environment,
  flags: LsFlags,
  open: () => Promise<Kernel>,
): Promise<void> {
  if (flags.from !== undefined) {
    env.setExitCode(finish(env, flags, readPasted(flags.from, flags)));
    return;
  }
  const kernel = await kernelWithTable(open);
  if (flags.pid !== undefined) requireProcess(kernel, flags.pid);
  const interrupt = listenForInterrupt(env);
  if (isWrittenAtOnce(flags)) {
    await writeAtOnce(env, kernel, flags);
    interrupt.ignore();
    env.setExitCode(interrupt.exitCode(0));
    return;
  }
  if (flags.watch === undefined) {
    const survey = await look(env, kernel, flags, interrupt.signal);
    interrupt.ignore();
    env.setExitCode(interrupt.exitCode(finish(env, flags, survey)));
    return;
  }
  await watch(env, kernel, flags, { everyMs: flags.watch, interruption: interrupt.signal });
  env.setExitCode(interrupt.exitCode(0));
}

/** Prints it. @returns the exit code */
function finish(env: Environment, flags: LsFlags, survey: Survey): number {
  for (const piece of reportSurvey(survey, reportOptions(env, flags))) env.stdout.write(piece);
  const failed = failures(survey, flags.failOn ?? []);
  for (const line of failed) env.stderr.write(`FAIL  ${printable(line)}\n`);
  return failed.length > 0 ? 1 : 0;
}

function reportOptions(env: Environment, flags: LsFlags): SurveyReportOptions {
  return {
    format: flags.json === true ? 'json' : flags.format,
    style: styleFor(env, env.stdout, flags.color),
    rows: flags.all === true ? Infinity : (flags.top ?? 0),
    by: flags.by,
    headers: flags.headers,
    scope: scopeOf(flags),
  };
}

function scopeOf(flags: LsFlags): SurveyScope {
  const { netns, pid, unit, ask, fate } = flags;
  const unitTarget = unit === undefined ? undefined : `--unit ${shellWord(unit)}`;
  return {
    filters: filterWords(flags),
    fates: fate === undefined ? [] : [`--fate ${fate.join(',')}`],
    netns: netns === undefined ? [] : [`--netns ${shellWord(netns)}`],
    target: pid === undefined ? unitTarget : `${pid}`,
    asked: ask !== undefined,
  };
}

/** Data of which nothing has to be known before it is written. */
function isWrittenAtOnce(flags: LsFlags): boolean {
  const { watch, ask, failOn, top } = flags;
  const isSimple = [watch, ask, failOn, top].every((flag) => flag === undefined);
  return isSimple && lineFormat(flags) !== undefined;
}

function lineFormat({ json, format }: LsFlags): LineFormat | undefined {
  if (json === true || format === 'json') return 'json';
  return format === 'jsonl' ? 'jsonl' : undefined;
}

/** Tens of thousands of connections are quicker written down than gathered. */
async function writeAtOnce(env: Environment, kernel: Kernel, flags: LsFlags): Promise<void> {
  tellOfLeftovers(kernel, env.variables, telling(env));
  const { facts, into: lines } = await surveyInto(
    kernel,
    requestFrom(flags),
    () => new SurveyLines(lineFormat(flags) ?? 'json'),
  );
  for (const piece of lines.worstFirst(facts)) if (env.stdout.write(piece) === true) lines.reuse();
}

function requestFrom(flags: LsFlags): SurveyRequest {
  const { netns: namespaces, owners, options: everyOption } = flags;
  return { namespaces, owners, everyOption, selection: selectionFrom(flags) };
}

function telling(env: Environment): (line: string) => void {
  return (line) => env.stderr.write(`${printable(line)}\n`);
}

async function look(
  env: Environment,
  kernel: Kernel,
  flags: LsFlags,
  interruption: AbortSignal,
): Promise<Survey> {
  const { variables } = env;
  const tell = telling(env);
  if (flags.ask === undefined) tellOfLeftovers(kernel, variables, tell);
  else putBackLeftovers(kernel, variables, tell);
  const survey = await takeSurvey(kernel, requestFrom(flags));
  if (flags.ask === undefined) return survey;
  const waitMs = askWaitMs(flags.ask);
  return showingProgress(env, { count: askable(survey), waitMs }, (tellAlong) =>
    askAbout(kernel, survey, { waitMs, variables, interruption, tell: tellAlong }),
  );
}

interface Watching {
  readonly everyMs: number;
  readonly interruption: AbortSignal;
}

const HOME_AND_CLEAR = '\x1b[H\x1b[2J';

/** On a terminal in place, elsewhere one under the other; what to do next at the end alone. */
async function watch(
  env: Environment,
  kernel: Kernel,
  flags: LsFlags,
  { everyMs, interruption }: Watching,
): Promise<void> {
  const style = styleFor(env, env.stdout, flags.color);
  const isInPlace = isAnimated(env, env.stdout);
  const options = { ...reportOptions(env, flags), next: isInPlace };
  let earlier: readonly Look[] = [];
  while (!interruption.aborted) {
    const atMs = monotonicNow();
    const now = { survey: await look(env, kernel, flags, interruption), atMs };
    const changes = watchLines(earlier, now, style);
    if (isInPlace) env.stdout.write(HOME_AND_CLEAR);
    else if (earlier.length > 0) env.stdout.write('\n');
    for (const piece of reportSurvey(now.survey, options)) env.stdout.write(piece);
    env.stdout.write(`${changes.join('\n')}\n`);
    earlier = [...earlier, now].slice(-LOOKS_KEPT);
    await pause(Math.max(0, everyMs - (monotonicNow() - atMs)), interruption);
  }
  const last = earlier.at(-1);
  if (isInPlace || !flags.headers || last === undefined) return;
  for (const line of followingLines(last.survey, options)) env.stdout.write(`${line}\n`);
}

const STANDARD_INPUT = '-';

function readPasted(file: string, flags: LsFlags): Survey {
  const text = readText(file);
  const reading = parseSs(text);
  if (reading.sockets.length === 0) {
    throw new TcpaliveError('BAD_USAGE', `--from ${file}: not one socket in it`, {
      hint: 'what it takes is the output of: ss -tneoiH',
    });
  }
  const readAt = new Date().toISOString();
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  return surveyFromSs({ reading, file: name, readAt, selection: selectionFrom(flags) });
}

function readText(file: string): string {
  try {
    return readFileSync(file === STANDARD_INPUT ? 0 : file, 'utf8');
  } catch (cause) {
    const message = `--from: cannot read ${file}: ${unreadableWords(cause)}`;
    throw new TcpaliveError('BAD_USAGE', message, { cause });
  }
}

async function kernelWithTable(open: () => Promise<Kernel>): Promise<Kernel> {
  const kernel = await open();
  if (kernel.capabilities.sockDiag) return kernel;
  throw new TcpaliveError('NO_CAPABILITY', "the kernel's table of sockets cannot be read here", {
    hint: 'of a Linux machine: ss -tneoiH > ss.txt there, and tcpalive ls --from ss.txt here',
  });
}
