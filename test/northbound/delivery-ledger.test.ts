import assert from 'node:assert/strict';
import type { MessageClass, Stored } from '../../src/model/twin-message.ts';
import { type DeliveryLane, DeliveryLedger } from '../../src/northbound/delivery-ledger.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';

const stored = (name: MessageClass, offset: number): Stored => {
  return { class: name, offset, sequence: offset, epoch: 'e1', message: telemetry('press-07', offset) };
};

describe('delivery ledger', () => {
  let told: string[];
  let ledger: DeliveryLedger;

  beforeEach(() => {
    told = [];
    ledger = new DeliveryLedger();
  });

  const openLane = () => ledger.openLane((last) => void told.push(`${last.class} ${last.offset}`));
  const begin = async (lane: DeliveryLane, each: Stored) => {
    await ledger.place(
      lane,
      () => 100,
      () => 100,
    );
    return ledger.begin(lane, each);
  };

  it('tells the spool of what has nothing unsettled before it in its class, whatever other classes wait for', async () => {
    const lane = openLane();
    const sent = [stored('telemetry', 5), stored('alarm', 3), stored('telemetry', 6), stored('alarm', 4)];
    for (const each of sent) await begin(lane, each);
    for (const each of sent.slice(1)) ledger.end(lane, each, true);
    assert.deepEqual(told, ['alarm 3', 'alarm 4']);
    ledger.end(lane, stored('telemetry', 5), true);
    assert.deepEqual(told.slice(2), ['telemetry 6']);
  });

  it('tells of each lane by itself what has nothing unsettled before it', async () => {
    const [history, live] = [openLane(), openLane()];
    for (const offset of [1, 2]) await begin(history, stored('telemetry', offset));
    for (const offset of [91, 92]) await begin(live, stored('telemetry', offset));
    for (const offset of [91, 92]) ledger.end(live, stored('telemetry', offset), true);
    ledger.end(history, stored('telemetry', 2), true);
    assert.deepEqual(told, ['telemetry 91', 'telemetry 92']);
    ledger.end(history, stored('telemetry', 1), true);
    assert.deepEqual(told.slice(2), ['telemetry 2']);
  });

  it('knows in each class by itself what was sent before and what is settled, in whichever lane', async () => {
    const [first, second, alarm] = [stored('telemetry', 1), stored('telemetry', 2), stored('alarm', 1)];
    const before = openLane();
    for (const each of [first, second, alarm]) assert.equal(await begin(before, each), 'first');
    ledger.end(before, second, true);
    ledger.end(before, first, false);
    ledger.end(before, alarm, true);
    const lane = openLane();
    assert.equal(await begin(lane, first), 'again');
    assert.equal(await begin(lane, second), 'settled');
    assert.equal(await begin(lane, stored('alarm', 2)), 'first');
    assert.equal(ledger.inFlight, 2);
  });

  it('forgets what the spool has dropped since, but not what another lane is still to send', async () => {
    const before = openLane();
    for (const offset of [1, 2, 50]) await begin(before, stored('telemetry', offset));
    ledger.end(before, stored('telemetry', 2), true);
    for (const offset of [1, 50]) ledger.end(before, stored('telemetry', offset), false);
    const live = ledger.openLane(() => {}, 'ahead');
    assert.equal(await begin(live, stored('telemetry', 90)), 'first');
    assert.equal(await begin(openLane(), stored('telemetry', 1)), 'again', 'kept beside a lane that is ahead');
    assert.equal(await begin(openLane(), stored('telemetry', 40)), 'first', 'what came before was dropped');
    const anew = openLane();
    assert.equal(await begin(anew, stored('telemetry', 2)), 'first', 'so that nothing is known of it any more');
    assert.equal(await begin(anew, stored('telemetry', 50)), 'again');
  });

  it('never gives more places than there are, however many wait for one', async () => {
    const lanes = [openLane(), openLane()];
    for (const offset of [1, 2]) await begin(openLane(), stored('telemetry', offset));
    const taken: DeliveryLane[] = [];
    const place = (lane: DeliveryLane) =>
      ledger.place(
        lane,
        () => 3,
        () => 2,
      );
    for (const lane of [...lanes, ...lanes]) void place(lane).then(() => taken.push(lane));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ledger.inFlight, 3);
    assert.equal(taken.length, 1);
  });

  it('keeps a lane within its share of the places', async () => {
    const [history, live] = [openLane(), openLane()];
    let placed = 0;
    for (let count = 0; count < 5; count += 1) {
      void ledger
        .place(
          history,
          () => 10,
          () => 3,
        )
        .then(() => {
          placed += 1;
        });
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(placed, 3);
    await ledger.place(
      live,
      () => 10,
      () => 10,
    );
    ledger.leave(history);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(placed, 4);
  });
});
