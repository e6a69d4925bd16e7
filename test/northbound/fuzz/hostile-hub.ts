import type { Random } from './random.ts';

/** `news`: on a topic of answers, states or wishes, of which not each asks for something. */
export type Attack = 'command' | 'news';

/** A cloud, or a broker with bad company, that sends what no honest one would. */
export interface HostileHub {
  /** Of the hub, in `gateway.yaml`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** The gateway is there, and listens. */
  isListenedTo(): boolean;
  /** Sends one packet. */
  attack(random: Random, index: number): Attack;
  /** A good command: the speed of press-07 shall be 900. */
  order(id: string): void;
  /** Packets of which the gateway only hears, sent beside the attacks. */
  readonly ownNews: number;
  /** Which packet a command came of, where one packet is several; `undefined`: of none that was sent as an attack. */
  packetOf?(commandId: string): string | undefined;
  /** Rules that the gateway broke. */
  readonly faults: readonly string[];
  readonly connections: number;
  /** Lets go of what was written down so far. */
  forget(): void;
  stop(): Promise<void>;
}

export const TWIN = 'press-07';
