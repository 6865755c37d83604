/**
 * What a guardian puts into the environment of all that it starts, and what is inherited from there: a
 * chain of tokens, because a guardian may be guarded itself. A family's token is above those of its runs.
 */
export const MARKER = 'TCPALIVE_GUARD';

/** @param inherited the guardian's own marker, when it is guarded */
export function markerOf(inherited: string | undefined, token: string): string {
  return inherited === undefined || inherited === '' ? token : `${inherited}:${token}`;
}

export function runToken(family: string, run: number): string {
  return `${family}/${run}`;
}

/** Whether such a marker names that token, or one of a run below it. */
export function carries(marker: string | undefined, token: string): boolean {
  const tokens = marker?.split(':') ?? [];
  return tokens.some((each) => each === token || each.startsWith(`${token}/`));
}
