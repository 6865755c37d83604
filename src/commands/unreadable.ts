/** Why a file that was named cannot be read, in words: what the system says of it is no sentence. */
export function unreadableWords(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return REASONS.get(code ?? '') ?? message;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'this user may not read it'],
]);
