/** How unit and PDU are put on the line. */
export interface LineFraming {
  /** The first request in what has come, and how many bytes are done with then; without `body`: they were none. `undefined`: to be waited for. */
  take(bytes: Buffer): { readonly bytes: number; readonly body?: Buffer } | undefined;
  frame(body: Buffer): Buffer;
  /** The same with a checksum that does not fit. */
  spoil(frame: Buffer): Buffer;
  /** A rest of a request that was not completed so soon is thrown away, milliseconds. */
  readonly forgetAfterMs: number;
}
