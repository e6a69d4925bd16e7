import type { TwinMessage } from './twin-message.ts';

/** A message to be kept, with the hubs that are to get it. */
export interface Draft {
  readonly message: TwinMessage;
  /** Names of hubs; at least one. */
  readonly hubs: readonly string[];
}
