import assert from 'node:assert/strict';
import type { Command } from '../../../src/model/command.ts';
import type { Dialect } from '../../../src/northbound/dialect.ts';
import type { HubSession } from '../../../src/northbound/hub.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { awsDialect, openSession, settingsFor } from './plant.ts';

type Settings = Readonly<Record<string, unknown>>;

/** A gateway at an emulated account. */
export class AwsRig {
  readonly emulator: AwsEmulator;
  /** What was asked for since the start of the test. */
  readonly commands: Command[] = [];
  readonly #make: () => Dialect;
  #dialect: Dialect;
  #session: HubSession | undefined;

  constructor(account: AwsAccount, emulator: AwsEmulator, settings: Settings) {
    this.emulator = emulator;
    this.#make = () => awsDialect(settingsFor(account, emulator, settings));
    this.#dialect = this.#make();
  }

  get session(): HubSession {
    return this.#session ?? assert.fail('nothing was opened');
  }

  async open(clock?: Clock): Promise<void> {
    this.#session = await openSession(this.#dialect, clock);
    this.#session.commands.subscribe((command) => void this.commands.push(command));
  }

  async reopen(): Promise<void> {
    await this.session.close();
    await this.open();
  }

  /** The gateway was started anew: it remembers nothing. */
  async restart(): Promise<void> {
    this.#dialect = this.#make();
    await this.reopen();
  }

  async stop(): Promise<void> {
    await this.#session?.close();
    await this.emulator.broker.stop();
    assert.deepEqual([this.emulator.violations, this.emulator.refusals], [[], []]);
  }
}

/** For all tests of a suite: one account, and for each a rig of its own. */
export function eachWithAws(settings: Settings, use: (rig: AwsRig) => void): void {
  let account: AwsAccount;
  let rig: AwsRig;

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
  });

  beforeEach(async () => {
    rig = new AwsRig(account, await AwsEmulator.start(account), settings);
    use(rig);
  });

  afterEach(() => rig.stop());

  after(() => account.remove());
}
