export interface Stream {
  /** Of what waits to be written; 0: all is. */
  readonly writableLength: number;
  write(piece: string | Uint8Array, whenDone: () => void): unknown;
}

/**
 * Never more than one piece in the hands of the stream, which would write several as one: workers, and a server and its
 * successor, share a pipe, and only a write of up to PIPE_BUF bytes stays whole there (pipe(7)).
 * @returns writes a piece; true when nothing waits to be written
 */
export function oneAtATime(stream: Stream): (piece: string | Uint8Array) => boolean {
  const waiting: (string | Uint8Array)[] = [];
  const go = () => {
    while (stream.writableLength === 0) {
      const piece = waiting.shift();
      if (piece === undefined) return;
      stream.write(piece, go);
    }
  };
  return (piece) => {
    waiting.push(piece);
    go();
    return waiting.length === 0 && stream.writableLength === 0;
  };
}
