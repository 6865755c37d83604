/** Between two looks: short against every deadline, long enough to let the loop do its work. */
const LOOK_EVERY_MS = 5;

/**
 * Resolves with the first value of `condition` that is neither false nor nothing, which is looked at again and again; rejects
 * after `deadlineMs`, naming the condition. For what has no event to wait for, such as a counter in the kernel.
 */
export async function until<T>(condition: () => T | Promise<T>, deadlineMs: number): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) {
      throw new Error(`not within ${deadlineMs} ms: ${condition.toString()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
