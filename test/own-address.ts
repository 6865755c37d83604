let dealt = 0;

/**
 * Of 127.0.0.0/8, all of which is this machine's: one that no other test has. Of a port that is found anywhere
 * somebody else may have a connection, and TIME-WAIT keeps one for a minute.
 *
 * By the number of this process: another one has the same low 16 bits 65,536 processes later at the soonest.
 */
export function ownAddress(): string {
  dealt += 1; // 127.0.0.1 is everybody's
  return `127.${dealt}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
}
