import { asciiFraming } from './ascii-framing.ts';
import type { Framing } from './framing.ts';
import { rtuFraming } from './rtu-framing.ts';

/** Of the frames on a line, its own or one behind a converter. */
export function framingOf({ protocol }: { readonly protocol: string }): Framing {
  return protocol.startsWith('modbus-ascii') ? asciiFraming : rtuFraming;
}
