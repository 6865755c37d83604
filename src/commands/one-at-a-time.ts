export interface Stream {
  /** Of what waits to be written; 0: all is. */
  readonly writableLength: number;
  write(piece: string | Uint8Array, whenDone: () => void): unknown;
  /** libuv's, of a pipe or a socket. */
  readonly _handle?: { setBlocking?(isBlocking: boolean): unknown };
}

/**
 * Never more than one piece in the hands of the stream, which would write several as one: workers, and a server and its
 * successor, share a pipe, and only a write of up to PIPE_BUF bytes stays whole there (pipe(7)).
 */
export class OneAtATime {
  #stream: Stream;
  readonly #waiting: (string | Uint8Array)[] = [];
  #isNeverToBlock = false;
  #isOver = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Pieces that the stream has not got yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns true when nothing waits to be written */
  write(piece: string | Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#waiting.push(piece);
    this.#go();
    return this.waiting === 0 && this.#stream.writableLength === 0;
  }

  /** From now on; what the stream before has got should be written by then. */
  goOnIn(stream: Stream): void {
    this.#stream = stream;
    this.#go();
  }

  /**
   * A reader that does not read is not waited for. O_NONBLOCK belongs to all who share the pipe (open(2)): libuv
   * takes it away when it starts a process that inherits descriptor 0 to 2, and Node when it ends.
   */
  neverBlock(): void {
    this.#isNeverToBlock = true;
  }

  /** Nobody will read it: from now on nothing is written, and what waits is forgotten. */
  end(): void {
    this.#isOver = true;
    this.#waiting.length = 0;
  }

  #go(): void {
    while (this.#stream.writableLength === 0) {
      const piece = this.#waiting.shift();
      if (piece === undefined) return;
      if (this.#isNeverToBlock) this.#stream._handle?.setBlocking?.(false);
      this.#stream.write(piece, () => this.#go());
    }
  }
}
