/** Ctrl-C as a value: whoever waits wakes up early, and what is known by then is reported. */
export interface Interruption {
  readonly interrupted: boolean;
  /** Resolves when it happens, which may be never. */
  readonly happened: Promise<void>;
}

export function interruptible(): Interruption & { interrupt(): void } {
  let wake: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let interrupted = false;
  return {
    get interrupted() {
      return interrupted;
    },
    happened,
    interrupt() {
      interrupted = true;
      wake();
    },
  };
}

/** Waits for it, or until the interruption; what it would have come to is then nobody's concern. */
export async function orInterrupted(
  work: Promise<unknown>,
  interruption: Interruption,
): Promise<void> {
  await Promise.race([work, interruption.happened]);
}

/** Waits that long, or until the interruption. */
export async function pause(ms: number, interruption: Interruption): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([elapsed, interruption.happened]);
  clearTimeout(timer);
}
