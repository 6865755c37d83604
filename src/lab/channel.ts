/**
 * Calls between the lab's processes over Node's IPC channel, as JSON. One side serves an object's
 * methods, the other calls them by name; the served side may also report events.
 */
import type { ChildProcess } from 'node:child_process';
import { stackOf, TcpaliveError, type ErrorCode } from '../errors.js';

type Method = (request: never) => unknown;
type Methods<T> = { [K in keyof T as T[K] extends Method ? K : never]: T[K] };

/** The same methods, asked from another process: every answer is a promise. */
export type Remote<T> = {
  [K in keyof Methods<T>]: T[K] extends (request: infer Request) => infer Answer
    ? (request: Request) => Promise<Awaited<Answer>>
    : never;
};

interface Call {
  readonly call: number;
  readonly method: string;
  readonly request: unknown;
}

type Reply =
  | { readonly reply: number; readonly answer: unknown }
  | { readonly reply: number; readonly refusal: Refusal };

interface Refusal {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

interface Report {
  readonly report: unknown;
}

/** Serves a target to the parent process; it is given how to report an event there. */
export function serveParent(makeTarget: (report: (event: unknown) => void) => object): void {
  const target = makeTarget((event) => send({ report: event }));
  const send = (message: Reply | Report) => process.send?.(message);
  process.on('message', (message: Call) => {
    const { call, method, request } = message;
    const implementation = (target as Record<string, unknown>)[method] as Method;
    Promise.resolve()
      .then(() => implementation.call(target, request as never))
      .then(
        (answer: unknown) => send({ reply: call, answer: answer ?? null }),
        (error: unknown) => send({ reply: call, refusal: refusalOf(error) }),
      );
  });
}

/**
 * The child's methods as local promises. All calls under way are refused with LAB_FAILED when the
 * child ends.
 */
export function remote<T extends object>(
  child: ChildProcess,
  name: string,
  onEvent: (event: unknown) => void,
): Remote<T> {
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  let ended: TcpaliveError | undefined;

  child.on('message', (message: Reply | Report) => {
    if ('report' in message) {
      onEvent(message.report);
      return;
    }
    const caller = waiting.get(message.reply);
    waiting.delete(message.reply);
    if ('refusal' in message) caller?.reject(errorOf(message.refusal));
    else caller?.resolve(message.answer);
  });
  const fail = (reason: string) => {
    ended ??= new TcpaliveError('LAB_FAILED', `the lab's ${name} process ${reason}`);
    for (const caller of waiting.values()) caller.reject(ended);
    waiting.clear();
  };
  child.once('error', (error) => fail(`could not be started: ${error.message}`));
  child.once('exit', (code, signal) => fail(`ended early (${signal ?? `exit ${code ?? 0}`})`));

  return new Proxy({} as Remote<T>, {
    get: (_, method) => {
      if (method === 'then') return undefined; // it is no promise, even when it is awaited
      return (request: unknown) => ask(String(method), request);
    },
  });

  function ask(method: string, request: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (ended !== undefined || !child.connected) {
        reject(ended ?? new TcpaliveError('LAB_FAILED', `the lab's ${name} process is gone`));
        return;
      }
      const call = ++calls;
      waiting.set(call, { resolve, reject });
      child.send({ call, method, request } satisfies Call, (error) => {
        if (error !== null) fail(`cannot be reached: ${error.message}`);
      });
    });
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof TcpaliveError) {
    return { code: error.code, message: error.message, hint: error.hint };
  }
  return { code: undefined, message: stackOf(error), hint: undefined };
}

function errorOf({ code, message, hint }: Refusal): Error {
  if (code === undefined) return new Error(message);
  return new TcpaliveError(code, message, hint === undefined ? {} : { hint });
}
