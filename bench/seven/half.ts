/** What one scenario asks of a gateway. Every channel is a connection; every device on it has the same points. */
export interface Load {
  readonly channels: number;
  readonly devicesPerChannel: number;
  readonly pointsPerDevice: number;
  readonly intervalMs: number;
}

/** One protocol's half of the seven scenarios. */
export interface Half {
  readonly name: string;
  /** What the gateway may take at 100 000 values a second. */
  readonly aim: { readonly cores: number; readonly megabytes: number; readonly writeMs: number };
  /** What others publish for the same seven, for the notes. */
  readonly peers: string;
  /** Servers in processes of their own. */
  start(load: Load): Promise<Plant>;
}

export interface Plant {
  /** Mapping files by name. The point that is written in the seventh scenario is named `p0`, and has `write`. */
  readonly mappings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export function valuesPerSecond({ channels, devicesPerChannel, pointsPerDevice, intervalMs }: Load): number {
  return (channels * devicesPerChannel * pointsPerDevice * 1_000) / intervalMs;
}
