import type { Observable } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Link, Session } from '../runtime/link.ts';

export interface HubSession extends Session {
  /** Unacknowledged publishes the peer allows at once; the forwarder stays at or below. */
  readonly window: number;
  /**
   * Resolves when the hub has acknowledged the message (MQTT PUBACK); only then may the spool drop it. Messages go out in the
   * order of the calls. Rejects with HUB_MESSAGE_REJECTED (this message will never be taken), HUB_THROTTLED (try again later), or
   * the cause of the loss when the session is lost.
   */
  publish(stored: Stored): Promise<void>;
  /** Hot, bounded; never errors; completes at `close`. */
  readonly commands: Observable<Command>;
  respond(result: CommandResult): Promise<void>;
}

export type Hub = Link<HubSession>;
