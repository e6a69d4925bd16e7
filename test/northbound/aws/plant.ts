import { readFileSync } from 'node:fs';
import type { DevicePlan, HubPlan } from '../../../src/model/plan.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Stored, TimedValue, TwinMessage } from '../../../src/model/twin-message.ts';
import type { Dialect, DialectContext } from '../../../src/northbound/dialect.ts';
import { awsIotCore } from '../../../src/northbound/dialects/aws-iot-core/definition.ts';
import { createAwsDialect } from '../../../src/northbound/dialects/aws-iot-core/dialect.ts';
import type { HubSession } from '../../../src/northbound/hub.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { device, dialectContext } from '../plant.ts';

export const NEVER = new AbortController().signal;
const SHORT = { connectTimeout: '2 s', acknowledgeTimeout: '2 s' };

type Settings = Readonly<Record<string, unknown>>;

const TWINS: readonly string[] = ['press-07', 'press-08', 'hall.meter'];

/** The dialect with settings as a person writes them. */
export function awsDialect(settings: Settings = {}, context: Partial<DialectContext> = {}, twins = TWINS): Dialect {
  const parsed = awsIotCore.settings.parse({ host: 'localhost', ...SHORT, ...settings });
  const plan: HubPlan = { name: 'cloud', dialect: 'aws-iot-core', settings: parsed };
  const devices = twins.map(writable);
  return createAwsDialect(plan, { ...dialectContext(devices), ...context });
}

/** A device with one point that may be written. */
function writable(twin: string): DevicePlan {
  const id = `${twin}/speed`;
  const point = {
    id,
    device: twin,
    name: 'speed',
    kind: 'property',
    address: 0,
    type: 'uint16',
    access: 'read-write',
    intervalMs: 1_000,
  } as const;
  return { ...device(twin), points: [{ point, keys: {}, write: { max: 1_500 } }] };
}

export function credentialsOf({ certificate, privateKey }: { readonly certificate: string; readonly privateKey: string }) {
  return { certificate, privateKey: new Secret('key', readFileSync(privateKey)) };
}

/** As a gateway of this account, at the emulator. */
export function settingsFor(account: AwsAccount, emulator: AwsEmulator, settings: Settings = {}): Settings {
  const own = settings.provisioning === undefined ? { auth: credentialsOf(account.files.gateway) } : {};
  return { port: emulator.broker.port, ca: account.server.ca, ...own, ...settings };
}

export async function openSession(dialect: Dialect, clock = systemClock): Promise<HubSession> {
  return await createMqttHub('cloud', dialect, clock).open(NEVER);
}

export function property(
  sequence: number,
  values: Readonly<Record<string, TimedValue>>,
  more: Partial<Pick<TwinMessage, 'twin' | 'isHistory' | 'startTimeMs' | 'clock'>> = {},
): Stored {
  const { twin = 'press-07', startTimeMs = Date.now(), ...rest } = more;
  const lists = Object.fromEntries(Object.entries(values).map(([name, timed]) => [name, [timed]]));
  const message = { twin, kind: 'property', startTimeMs, values: lists, ...rest } as const;
  return { class: 'property', offset: sequence * 10, sequence, epoch: 'e1', message };
}

export async function until(condition: () => boolean, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Where nothing is connected. */
export function credentialsOfNobody() {
  return { certificate: 'gw.crt', privateKey: new Secret('key', Buffer.from('')) };
}
