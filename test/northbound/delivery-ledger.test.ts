import assert from 'node:assert/strict';
import type { MessageClass, Stored } from '../../src/model/twin-message.ts';
import { DeliveryLedger } from '../../src/northbound/delivery-ledger.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';

const stored = (name: MessageClass, offset: number): Stored => {
  return { class: name, offset, sequence: offset, epoch: 'e1', message: telemetry('press-07', offset) };
};

describe('delivery ledger', () => {
  const told: string[] = [];
  const create = () => new DeliveryLedger((last) => void told.push(`${last.class} ${last.offset}`));

  beforeEach(() => void told.splice(0));

  it('tells the spool of what has nothing unsettled before it in its class, whatever other classes wait for', () => {
    const ledger = create();
    const sent = [stored('telemetry', 5), stored('alarm', 3), stored('telemetry', 6), stored('alarm', 4)];
    for (const each of sent) ledger.begin(each);
    for (const each of sent.slice(1)) ledger.end(each, true);
    assert.deepEqual(told, ['alarm 3', 'alarm 4']);
    ledger.end(stored('telemetry', 5), true);
    assert.deepEqual(told.slice(2), ['telemetry 6']);
  });

  it('knows in each class by itself what was sent before and what is settled', () => {
    const ledger = create();
    const [first, second] = [stored('telemetry', 1), stored('telemetry', 2)];
    assert.deepEqual(
      [first, second, stored('alarm', 1)].map((each) => ledger.begin(each)),
      ['first', 'first', 'first'],
    );
    ledger.end(second, true);
    ledger.end(first, false);
    ledger.end(stored('alarm', 1), true);
    ledger.restart();
    assert.deepEqual(
      [first, second, stored('alarm', 2)].map((each) => ledger.begin(each)),
      ['again', 'settled', 'first'],
    );
    assert.equal(ledger.inFlight, 2);
  });
});
