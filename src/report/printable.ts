/**
 * Text that came from outside (peer bytes, process names, file contents), safe to show on a
 * terminal and on one line: control characters, bidi controls and line separators become visible
 * escapes such as `\x1b` and `\u202e`.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Cc is C0, DEL and C1 (a lone C1 byte starts a sequence too); Cs is half a surrogate pair. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;
