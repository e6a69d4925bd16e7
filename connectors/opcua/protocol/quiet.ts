import { setDebugLogger, setErrorLogger, setWarningLogger } from 'node-opcua-client';
import type { Log } from '../../../src/runtime/log.ts';
import { correctBasicTypes } from './basic-type.ts';
import { knowVendorStatuses } from './vendor-status.ts';

/** The library would write banners and stacks to the console; what it has to say goes to our log, at debug. */
export function quietLibrary(log: Log): void {
  const tell = (_context: unknown, ...words: unknown[]) =>
    log.debug('library spoke', { text: words.map(String).join(' ').slice(0, 500) });
  knowVendorStatuses();
  correctBasicTypes();
  setDebugLogger(() => {});
  setWarningLogger(tell);
  setErrorLogger(tell);
}
