import { createRequire } from 'node:module';
import { StatusCodes } from 'node-opcua-client';

/**
 * node-opcua 2.182 lets some errors of its decoder out of the `data` event of the socket, where nobody can catch them: one
 * message whose type is an opaque NodeId would end the process. Here they end the connection instead, as every other error of
 * the decoder does.
 */
interface Decoder {
  feed(bytes: Buffer): void;
  _report_error(status: unknown, text: string): false;
}

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));
let isHardened = false;

export function hardenDecoder(): void {
  if (isHardened) return;
  isHardened = true;
  const { MessageBuilder } = ofLibrary('node-opcua-secure-channel') as { MessageBuilder: { prototype: Decoder } };
  const { prototype } = MessageBuilder;
  const feed = prototype.feed;
  prototype.feed = function (this: Decoder, bytes: Buffer): void {
    try {
      feed.call(this, bytes);
    } catch (error) {
      this._report_error(StatusCodes.BadDecodingError, error instanceof Error ? error.message : String(error));
    }
  };
}
