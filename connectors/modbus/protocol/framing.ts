import { answerBytes, type Request, requestBytes } from './request.ts';

/** How unit and PDU, the body, go over a serial line: Modbus over Serial Line V1.02, section 2.5. */
export interface Framing {
  /** What is put on the line. */
  encode(body: Uint8Array): Buffer;
  /**
   * The first whole frame of anybody whose checksum fits, and what stands before it; `undefined` while what has come may be the beginning of one.
   * `request`: what is waited for, where that helps to tell noise from the beginning of an answer.
   */
  find(bytes: Buffer, request: Request): Found | undefined;
  /** Of a frame whose body has so many bytes. */
  frameBytes(bodyBytes: number): number;
  /** How long the line has to be silent before a frame, milliseconds. */
  silenceMs(baudRate: number): number;
}

export interface Found {
  /** Bytes of noise before the frame. */
  readonly skipped: number;
  /** Of the frame. */
  readonly bytes: number;
  readonly body: Buffer;
}

/** Bytes of a request and of its answer. */
export function transactionBytes(request: Request, framing: Framing): { readonly request: number; readonly answer: number } {
  return { request: framing.frameBytes(requestBytes(request)), answer: framing.frameBytes(answerBytes(request)) };
}
