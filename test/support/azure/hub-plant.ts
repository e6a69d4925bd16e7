import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import type { Command, CommandResult } from '../../../src/model/command.ts';
import type { Hub, HubSession } from '../../../src/northbound/hub.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../certificates.ts';
import { IotHub } from './iot-hub.ts';
import { azureDialect, type DialectOptions, KEY } from './plant.ts';

export const ADDRESS = '127.0.0.1';
const NEVER = new AbortController().signal;

/** A hub with the device `gw-01`, and gateways that connect to it. */
export class HubPlant {
  readonly authority: TestAuthority;
  readonly tls: TlsOptions;
  readonly hub: IotHub;
  readonly stateDirectory: string;
  readonly #sessions: HubSession[] = [];

  private constructor(authority: TestAuthority, tls: TlsOptions, hub: IotHub, stateDirectory: string) {
    this.authority = authority;
    this.tls = tls;
    this.hub = hub;
    this.stateDirectory = stateDirectory;
  }

  static async start(): Promise<HubPlant> {
    const authority = await createAuthority();
    const tls = await readCertificate(await authority.issue('localhost'));
    const hub = await IotHub.start({ address: ADDRESS, tls });
    hub.register('gw-01', { keys: [KEY] });
    return new HubPlant(authority, tls, hub, await mkdtemp(join(tmpdir(), 'azure-state-')));
  }

  gateway({ settings, context, ...more }: Partial<DialectOptions> = {}): Hub {
    const base = { host: ADDRESS, port: this.hub.port, ca: this.authority.ca, reportAtMostEvery: '1 ms' };
    const short = { connectTimeout: '2 s', acknowledgeTimeout: '2 s' };
    const dialect = azureDialect({
      ...more,
      settings: { ...base, ...short, ...settings },
      context: { stateDirectory: this.stateDirectory, ...context },
    });
    return createMqttHub('cloud', dialect, context?.clock ?? systemClock);
  }

  /** An open session, closed by `end`. */
  async open(hub: Hub | Partial<DialectOptions> = {}): Promise<HubSession> {
    const session = await ('open' in hub ? hub : this.gateway(hub)).open(NEVER);
    this.#sessions.push(session);
    return session;
  }

  /** Closes the sessions of one test. */
  async rest(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()));
    const { hub } = this;
    hub.script = {};
    for (const list of [hub.violations, hub.telemetry, hub.connects, hub.wills, hub.refusals]) list.splice(0);
    hub.devices.clear();
    hub.register('gw-01', { keys: [KEY] });
    // A book may be written still where the clock is fast.
    await rm(this.stateDirectory, { recursive: true, force: true, maxRetries: 5 });
  }

  async end(): Promise<void> {
    await this.hub.stop();
    await this.authority.remove();
    await rm(this.stateDirectory, { recursive: true, force: true });
  }
}

/** For all tests of a suite: a plant that is at rest between them, and whose gateways have broken no rule. */
export function eachWithPlant(use: (plant: HubPlant) => void): void {
  let plant: HubPlant;

  before(async function () {
    this.timeout(30_000);
    plant = await HubPlant.start();
    use(plant);
  });

  afterEach(async () => {
    assert.deepEqual(plant.hub.violations, []);
    await plant.rest();
  });

  after(() => plant.end());
}

/** Answers every command of a session with what `execute` says, as the desk of the forwarder does. */
export function answerCommands(session: HubSession, execute: (command: Command) => Partial<CommandResult>): Command[] {
  const seen: Command[] = [];
  session.commands.subscribe((command) => {
    seen.push(command);
    const { id, device, replyTo } = command;
    const result: CommandResult = { id, device, status: 'done', points: {}, ...execute(command) };
    session.respond({ ...result, ...(replyTo === undefined ? {} : { replyTo }) }).catch(() => {});
  });
  return seen;
}

export async function until(condition: () => boolean, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
