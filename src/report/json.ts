/**
 * JSON that parses back to `value` and is safe on a terminal: what JSON.stringify leaves raw (DEL,
 * C1, bidi controls, line separators) can only stand inside a string, where an escape means the same.
 */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    escaped,
  );
}

/** The same in ASCII alone, whose characters are its bytes. */
export function asciiJson(value: unknown): string {
  return jsonText(value).replace(/[\u0080-\uffff]/g, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
