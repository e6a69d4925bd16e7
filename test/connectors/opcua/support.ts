import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createConnector } from '../../../connectors/opcua/connector.ts';
import { opcua } from '../../../connectors/opcua/definition.ts';
import { connectionSchema, deviceSchema, type OpcuaPoint, pointSchema } from '../../../connectors/opcua/mapping/settings.ts';
import { loadIdentity } from '../../../connectors/opcua/security/identity.ts';
import { makeFolders, trustFolders } from '../../../connectors/opcua/security/trust.ts';
import type { ConnectionPlan, DevicePlan, PointPlan } from '../../../src/model/plan.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Batch, Reading } from '../../../src/model/reading.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import { type AcquisitionOptions, acquire } from '../../../src/southbound/acquisition.ts';
import type { Connector, ConnectorSession } from '../../../src/southbound/connector.ts';
import { PLANT } from '../../support/opcua-server.ts';

export interface PointKeys {
  readonly [key: string]: unknown;
  readonly interval?: number;
  readonly access?: 'read' | 'write' | 'read-write';
}

export const FAST = { keepAlive: '1 s', publishingInterval: '50 ms', timeout: '5 s' };
export const OPEN = { security: { policy: 'none' } };

export function planPoint(device: string, name: string, keys: PointKeys): PointPlan & { readonly point: Point<OpcuaPoint> } {
  const { interval = 50, access = 'read', ...own } = keys;
  const address = pointSchema.parse({ address: `nsu=${PLANT};s=${name}`, ...own }) as OpcuaPoint;
  return { point: { id: `${device}/${name}`, device, name, address, access, kind: 'telemetry', intervalMs: interval }, keys: {} };
}

export function makePlan(
  settings: Readonly<Record<string, unknown>>,
  devices: Readonly<Record<string, Readonly<Record<string, PointKeys>>>>,
): ConnectionPlan {
  const hubs = { telemetry: ['cloud'], property: [], event: [], gap: ['cloud'], status: [] };
  const parsed = connectionSchema.parse(settings);
  return {
    name: 'plant',
    protocol: 'opcua',
    endpoint: opcua.endpoint(parsed as never),
    settings: parsed,
    devices: Object.entries(devices).map(
      ([twin, points]): DevicePlan => ({
        twin,
        labels: {},
        connection: 'plant',
        settings: deviceSchema.parse({}),
        points: Object.entries(points).map(([name, keys]) => planPoint(twin, name, keys)),
        hubs,
        message: { maxBytes: 100_000, maxAgeMs: 5_000 },
      }),
    ),
  };
}

export const GATEWAY_ID = 'test-gateway';
const BACK_OFF = { firstMs: 50, maxMs: 300, resetAfterMs: 60_000 };

let identityFolder: Promise<string> | undefined;

/** Making a key takes a good part of a second; the tests of one run share one. */
function sharedIdentity(): Promise<string> {
  identityFolder ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opcua-identity-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const folders = trustFolders(folder);
    await makeFolders(folders);
    await loadIdentity(folders, GATEWAY_ID);
    return folder;
  })();
  return identityFolder;
}

/** A connector with a state directory of its own, and everything it opened; `end` frees it all. */
export class Bench {
  readonly #ends: (() => Promise<unknown>)[] = [];
  stateDirectory = '';

  async begin({ isFirstStart = false } = {}): Promise<void> {
    this.stateDirectory = await mkdtemp(join(tmpdir(), 'opcua-state-'));
    this.#ends.push(() => rm(this.stateDirectory, { recursive: true, force: true }));
    if (!isFirstStart) await cp(await sharedIdentity(), this.stateDirectory, { recursive: true });
  }

  connector(plan: ConnectionPlan, log: Log = silentLog): Connector {
    return createConnector(plan, { log, clock: systemClock, gatewayId: GATEWAY_ID, stateDirectory: this.stateDirectory });
  }

  async open(connector: Connector, signal = new AbortController().signal): Promise<ConnectorSession> {
    const session = await connector.open(signal);
    this.#ends.push(() => session.close());
    return session;
  }

  /** As the gateway does it: kept open, opened anew after each loss. Until `stop`, or the end. */
  acquire(
    plan: ConnectionPlan,
    given: Pick<AcquisitionOptions, 'onBatch' | 'onGap'>,
  ): { connector: Connector; stop: () => Promise<void> } {
    const connector = this.connector(plan);
    const over = new AbortController();
    const options = { plan, clock: systemClock, log: silentLog, signal: over.signal, backOff: BACK_OFF, ...given };
    const { done } = acquire(connector, options);
    const stop = async () => {
      over.abort();
      await done;
    };
    this.onEnd(stop);
    return { connector, stop };
  }

  onEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

/** Everything a session sends, with a way to wait for what must come. */
export class Collected {
  readonly batches: Batch[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(session: ConnectorSession) {
    session.batches.subscribe({
      next: (batch) => {
        this.batches.push(batch);
        for (const check of this.#waiting) check();
      },
    });
  }

  of(name: string, after = 0): readonly Reading[] {
    return this.batches.slice(after).flatMap(({ readings }) => readings.filter(({ point }) => point.name === name));
  }

  /** The first reading of the point for which `wanted` holds. */
  until(name: string, wanted: (reading: Reading) => boolean = () => true): Promise<Reading> {
    return this.untilAfter(0, name, wanted);
  }

  /** The same, in what comes after so many batches. */
  untilAfter(batches: number, name: string, wanted: (reading: Reading) => boolean = () => true): Promise<Reading> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.of(name, batches).find(wanted);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** A server in a process of its own; its files lie in `folder`, because a killed process removes nothing. */
export async function spawnServer(folder: string, port?: number): Promise<{ server: ChildProcess; port: number }> {
  const file = fileURLToPath(import.meta.resolve('../../support/opcua-server-process.ts'));
  const args = port === undefined ? [file] : [file, String(port)];
  const env = { ...process.env, TMPDIR: folder };
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], env });
  assert.ok(server.stdout);
  const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  return { server, port: Number(url.split(':').at(-1)) };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
