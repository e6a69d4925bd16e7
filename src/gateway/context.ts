import type { LogLevel } from '../model/plan.ts';
import type { Stored } from '../model/twin-message.ts';
import type { LatestReadings } from '../pipeline/latest-readings.ts';
import type { Log } from '../runtime/log.ts';
import type { TimeSource } from '../runtime/time-source.ts';
import type { Spool } from '../spool/spool.ts';
import type { GatewayAudit } from './audit.ts';
import type { ResolvedDevices } from './patterns.ts';
import type { GatewayTime } from './time.ts';

export interface GatewayOptions {
  readonly log: Log;
  readonly version: string;
  /** Where connectors keep certificates and trust lists. */
  readonly stateDirectory: string;
  /** Lets a command change how much is logged, where the configuration does; absent: it cannot be changed. */
  readonly setLogLevel?: (level: LogLevel) => void;
  /** Default: the clock of the machine. */
  readonly time?: TimeSource;
  /** Called after each acknowledgement of a hub, for measurements. */
  readonly onAcknowledged?: (hub: string, stored: Stored, bytes: number, atMs: number) => void;
}

/** What the parts share while the gateway runs. */
export interface GatewayContext extends GatewayTime {
  readonly log: Log;
  readonly options: GatewayOptions;
  readonly spool: Spool;
  readonly latest: LatestReadings;
  readonly resolved: ResolvedDevices;
  readonly audit: GatewayAudit;
  /** Aborted when the field side stops; from then on no command is executed. */
  readonly stopping: AbortSignal;
}
