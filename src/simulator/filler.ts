import type { SimulatedNamespace, SimulatedOpcuaServer } from './opcua-server.ts';
import { jitter, type Random } from './random.ts';

export const FILLER_NAMESPACE: SimulatedNamespace = {
  uri: 'urn:simulated-plant:filler',
  variables: [
    { name: 'FillLevel', type: 'Double', value: 80 },
    { name: 'FillVolume', type: 'Double', value: 500 },
    { name: 'FillVolumeSetpoint', type: 'Float', value: 500, isWritable: true },
    { name: 'Bottles', type: 'UInt64', value: 9_007_199_254_741_993n },
    { name: 'State', type: 'Int32', value: 1 },
    { name: 'BatchId', type: 'String', value: 'B-0001' },
    { name: 'TankPressure', type: 'Double', value: 2.1 },
  ],
};

const BOTTLES_PER_BATCH = 60;
const FILLING = 1;
const CLEANING = 2;
const CLEANING_MS = 5_000;

/** A bottle filler: two bottles a second, a new batch every sixty, cleaning between batches, a pressure sensor that is not sure. */
export class SimulatedFiller {
  readonly #server: SimulatedOpcuaServer;
  readonly #random: Random;
  #level = 80;
  #bottles = 9_007_199_254_741_993n;
  #inBatch = 0;
  #batch = 1;
  #restMs = 0;
  #cleaningMs = 0;

  constructor(server: SimulatedOpcuaServer, random: Random) {
    this.#server = server;
    this.#random = random;
  }

  step(elapsedMs: number): void {
    if (this.#cleaningMs > 0) this.#clean(elapsedMs);
    else this.#fill(elapsedMs);
    const bar = 2.1 + jitter(this.#random, 0.4);
    this.#set('TankPressure', bar, bar > 2.4 ? 'UncertainSensorNotAccurate' : 'Good');
  }

  #fill(elapsedMs: number): void {
    const bottlesEveryMs = 500;
    this.#restMs += elapsedMs;
    const filled = Math.floor(this.#restMs / bottlesEveryMs);
    this.#restMs -= filled * bottlesEveryMs;
    if (filled === 0) return;
    this.#bottles += BigInt(filled);
    this.#inBatch += filled;
    this.#level = this.#level < 20 ? 95 : this.#level - filled * 0.4;
    this.#set('Bottles', this.#bottles);
    this.#set('FillLevel', this.#level);
    this.#set('FillVolume', Number(this.#server.variable('FillVolumeSetpoint').value) + jitter(this.#random, 2));
    if (this.#inBatch < BOTTLES_PER_BATCH) return;
    this.#cleaningMs = CLEANING_MS;
    this.#set('State', CLEANING);
  }

  #clean(elapsedMs: number): void {
    this.#cleaningMs -= elapsedMs;
    if (this.#cleaningMs > 0) return;
    this.#inBatch = 0;
    this.#batch += 1;
    this.#set('BatchId', `B-${String(this.#batch).padStart(4, '0')}`);
    this.#set('State', FILLING);
  }

  #set(name: string, value: unknown, status = 'Good'): void {
    this.#server.variable(name).set(value, status);
  }
}
