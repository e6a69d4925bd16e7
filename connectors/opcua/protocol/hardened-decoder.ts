import { createRequire } from 'node:module';
import { StatusCodes } from 'node-opcua-client';

/**
 * node-opcua 2.182 lets some errors out of the `data` event of the socket, where nobody can catch them, so that one message would
 * end the process: one whose type is an opaque NodeId, and one of a wrong size in the segment that brings the greeting, at which the
 * library listens to another assembler. Here they end the connection instead, as every other error of the decoder does.
 */
interface Decoder {
  feed(bytes: Buffer): void;
  _report_error(status: unknown, text: string): false;
}

interface Transport {
  _on_socket_data(bytes: Buffer): void;
  prematureTerminate(error: Error, status: unknown): void;
}

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));
let isHardened = false;

export function hardenDecoder(): void {
  if (isHardened) return;
  isHardened = true;
  const { MessageBuilder } = ofLibrary('node-opcua-secure-channel') as { MessageBuilder: { prototype: Decoder } };
  const { feed } = MessageBuilder.prototype;
  MessageBuilder.prototype.feed = function (bytes) {
    try {
      feed.call(this, bytes);
    } catch (error) {
      this._report_error(StatusCodes.BadDecodingError, toError(error).message);
    }
  };
  const { TCP_transport } = ofLibrary('node-opcua-transport') as { TCP_transport: { prototype: Transport } };
  const { _on_socket_data: take } = TCP_transport.prototype;
  TCP_transport.prototype._on_socket_data = function (bytes) {
    try {
      take.call(this, bytes);
    } catch (error) {
      this.prematureTerminate(toError(error), StatusCodes.BadTcpInternalError);
    }
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
