import assert from 'node:assert/strict';
import { makeNodeId } from 'node-opcua-client';
import { PointNumbers } from '../../../connectors/opcua/nodes/point-numbers.ts';
import { planItems, pointsOf } from '../../../connectors/opcua/watching/monitored-item.ts';
import { WatchedItems } from '../../../connectors/opcua/watching/watched-items.ts';
import { planPoint } from './support.ts';

const speed = { point: planPoint('press', 'Speed', {}).point, nodeId: makeNodeId(1) };
const force = { point: planPoint('press', 'Force', {}).point, nodeId: makeNodeId(2) };
const twin = { point: planPoint('copy', 'Speed', {}).point, nodeId: makeNodeId(1) };
const slowTwin = { point: planPoint('slow', 'Speed', { sampling: '1 s' }).point, nodeId: makeNodeId(1) };

describe('OPC UA watched items', () => {
  let numbers: PointNumbers;
  let items: WatchedItems;
  beforeEach(() => {
    numbers = new PointNumbers();
    items = new WatchedItems(numbers);
  });

  function watch(nodes: Parameters<typeof planItems>[0]) {
    numbers.beginRound();
    const planned = planItems(nodes, 50, (point) => numbers.handle(numbers.of(point)));
    for (const item of planned) items.add(item);
    return planned;
  }

  it('are one for all points of a node that wish the same, and each is there once', () => {
    const planned = watch([speed, force, twin, slowTwin]);
    const names = planned.map((item) => pointsOf(item).map(({ id }) => id));
    assert.deepEqual(names, [['press/Speed', 'copy/Speed'], ['slow/Speed'], ['press/Force']]);
    assert.equal(items.of(twin.point), items.of(speed.point));
    assert.deepEqual(new Set(items.all()), new Set(planned));
    assert.equal(items.all().length, planned.length);
  });

  it('are found by their handle, and not by that of one that was there before', () => {
    const [first] = watch([speed]);
    const [second] = watch([speed]);
    assert.notEqual(first?.handle, second?.handle);
    assert.equal(items.withHandle(first?.handle ?? 0), undefined);
    assert.equal(items.withHandle(second?.handle ?? 0), second);
  });

  it('do not take away what another watches by now', () => {
    const [first] = watch([speed, twin]);
    const [second] = watch([twin]);
    assert.ok(first !== undefined && second !== undefined);
    items.delete(first);
    assert.equal(items.of(speed.point), undefined);
    assert.equal(items.of(twin.point), second);
  });
});
