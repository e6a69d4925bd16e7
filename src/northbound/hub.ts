import type { Observable } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import type { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Link, Session } from '../runtime/link.ts';
import type { DeliveryLimits } from './delivery-limits.ts';

export interface HubSession extends Session {
  /** Unacknowledged publishes the peer allows at once; the forwarder stays at or below. */
  readonly window: number;
  /**
   * Resolves with the bytes of the payload when the hub has acknowledged the message (MQTT PUBACK); only then may the spool
   * drop it. Messages go out in the order of the calls. Rejects with HUB_MESSAGE_REJECTED (this message will never be taken), HUB_THROTTLED (try again later),
   * HUB_MESSAGE_FORBIDDEN (when the gateway has got the right), or
   * the cause of the loss when the session is lost.
   */
  publish(stored: Stored): Promise<number>;
  /** Hot; never errors; completes at `close`. Bounded: past a number of unanswered commands more are dropped and counted. */
  readonly commands: Observable<Command>;
  /** Why something that came was no command, each time; as `commands`. */
  readonly refusals?: Observable<GatewayError>;
  /** What the hub asked of the session itself and got, e.g. `rebirth`; as `commands`. */
  readonly obeyed?: Observable<string>;
  /** Once for each command. Rejects like `publish`. */
  respond(result: CommandResult): Promise<void>;
  /**
   * Rising counts of this session: `invalid_commands`, `dropped_commands`, `obeyed_requests`, `heard_packets` that asked for nothing,
   * `undelivered_notices` (birth, refusals).
   */
  counters(): Readonly<Record<string, number>>;
}

export interface Hub extends Link<HubSession> {
  /** The one in use, or tried next. For people, e.g. `mqtts://broker.plant-a.example:8883`. */
  readonly endpoint: string;
  readonly limits: DeliveryLimits;
  /** Bytes of each packet that the hub bills, as it is acknowledged or comes. Hot, over all sessions; never ends. */
  readonly billed: Observable<number>;
  /** When what its connection depends on expires: its `own` certificate, that of the `server`; milliseconds since 1970. */
  readonly expiries: Readonly<Record<string, number>>;
}
