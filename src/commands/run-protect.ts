import type { Terms } from '../core/protect-plan.js';
import type { ProtectEvent, ProtectResult } from '../core/protection.js';
import { putBackLeftovers } from '../host/ask-about.js';
import { planProtection, type ProtectRequest } from '../host/protect-plan.js';
import { protect } from '../host/protect.js';
import type { TargetChoice } from '../host/targets.js';
import { journalPath } from '../host/journal.js';
import { jsonText } from '../report/json.js';
import { printable } from '../report/printable.js';
import { protectDryRun, protectEventLine, protectOutcome, protectPlan } from '../report/protect.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import { openReachingKernel } from './open-reaching-kernel.js';
import { protectLine } from './protect-line.js';
import type { ProtectOrder } from './protect.js';
import { showStatus } from './status-line.js';
import { styleFor } from './style.js';

export async function runProtect(env: Environment, order: ProtectOrder): Promise<void> {
  const kernel = await openReachingKernel('protect');
  // An ask that was killed looks like keepalive, and would be recorded as the old setting.
  putBackLeftovers(kernel, env.variables, (line) => env.stderr.write(`${printable(line)}\n`));
  const plan = planProtection(kernel, requestOf(order));
  const style = styleFor(env, env.stdout, order.color);
  const print = (text: string) => {
    if (order.json !== true) env.stdout.write(text);
  };
  const finish = (result: ProtectResult, text: string) =>
    env.stdout.write(order.json === true ? `${jsonText(result, 2)}\n` : text);

  print(protectPlan(plan.result, style));
  if (order.yes !== true) {
    finish(plan.result, protectDryRun(plan.result, protectLine(order)));
    return;
  }
  const interrupt = listenForInterrupt(env);
  const status = showStatus(env);
  const onEvent = (event: ProtectEvent) => {
    const line = protectEventLine(event);
    if (event.kind === 'progress') status.show(line, event.done === event.total);
    else status.say(line);
  };
  const options = {
    undoFile: order.undo ?? journalPath(env.variables, 'protect'),
    spreadMs: order.spread ?? defaultSpreadMs(order),
    follow: order.follow ?? false,
    interruption: interrupt.signal,
  };
  try {
    const result = await protect(kernel, plan, options, onEvent);
    status.end();
    finish(result, protectOutcome(result));
    env.setExitCode(interrupt.exitCode(0));
  } finally {
    status.end();
  }
}

/** As long as what is dead lives on at least. */
function defaultSpreadMs({ keepalive, userTimeout = 0 }: ProtectOrder): number {
  return keepalive === undefined ? userTimeout : keepalive.idleSeconds * 1000;
}

function requestOf(order: ProtectOrder): ProtectRequest {
  const { keepalive, userTimeout, direction, force = false, tree = false } = order;
  const terms: Terms = {
    wanted: { keepalive: keepalive ?? null, userTimeoutMs: userTimeout ?? null },
    direction,
    force,
  };
  return { choice: choiceOf(order), tree, terms };
}

function choiceOf({ pid, port, unit = '' }: ProtectOrder): TargetChoice {
  if (pid !== undefined) return { kind: 'pid', pid };
  return port === undefined ? { kind: 'unit', unit } : { kind: 'port', port };
}
