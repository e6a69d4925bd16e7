import assert from 'node:assert/strict';
import { pollBalance } from '../poll-balance.ts';
import type { Plant } from './plant.ts';
import type { DeliveryRecord } from './record.ts';

/** Numbers missing between two that arrived. */
export interface Hole {
  /** Source time of the reading before it; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  readonly count: number;
}

/** Where the counter of the device jumps: polls that were answered and did not arrive. */
export function holes(record: DeliveryRecord, twin: string, point = 'polls'): readonly Hole[] {
  const readings = record.readings(twin, point).filter(({ quality }) => quality === 'good');
  return readings.flatMap((reading, index) => {
    const before = readings[index - 1];
    if (before === undefined) return [];
    const count = Number(reading.value) - Number(before.value) - 1;
    assert.ok(count >= 0, `${twin}: ${reading.value} came after ${before.value}`);
    return count === 0 ? [] : [{ fromTimeMs: before.timeMs, toTimeMs: reading.timeMs, count }];
  });
}

/** Each poll of the first life of the device has arrived, and each of the second, whose count begins at `secondLife`. */
export function assertNothingBetween(record: DeliveryRecord, twin: string, secondLife: number): void {
  const isRestart = ({ count }: Hole) => count > secondLife / 2;
  assert.deepEqual(
    holes(record, twin).filter((hole) => !isRestart(hole)),
    [],
  );
  assert.ok(record.numbers(twin, 'polls').includes(secondLife + 1), 'the first poll after the restart did not arrive');
}

/** Each press counts the polls it has answered: all of them have arrived, but one that was under way when the gateway stopped: that is declared. */
export async function assertEveryPoll(record: DeliveryRecord, plant: Plant): Promise<void> {
  for (const { unit, polls } of await plant.states()) {
    const twin = `press-${unit}`;
    const numbers = record.numbers(twin, 'polls');
    assert.equal(numbers[0], 1, `${twin}: the first poll did not arrive`);
    assert.deepEqual(holes(record, twin), []);
    const cutOff = polls - (numbers.at(-1) ?? 0);
    const lastTimeMs = record.readings(twin, 'polls').at(-1)?.timeMs ?? 0;
    const declared = record.gaps(twin).filter(({ reason, to }) => reason === 'gateway-off' && Date.parse(to) > lastTimeMs);
    assert.ok(
      cutOff === 0 || (cutOff === 1 && declared.length === 1),
      `${twin}: the device answered ${polls} polls, the last that arrived is ${numbers.at(-1)}, ${declared.length} gap records`,
    );
  }
}

/** What a twin received, what gap records count, and what was due of one point: however late the machine is, no poll goes unsaid. */
export function balance(record: DeliveryRecord, twin: string, point: string, intervalMs: number) {
  const good = record.readings(twin, point).filter(({ quality }) => quality === 'good');
  const missed = record
    .gaps(twin)
    .filter(({ points, reason }) => points?.includes(point) === true && reason !== 'gateway-off')
    // Of points with one interval each has missed the same.
    .map(({ from, readings, points = [] }) => ({ fromTimeMs: Date.parse(from), polls: readings / points.length }));
  return pollBalance(
    good.map(({ timeMs }) => timeMs),
    missed,
    intervalMs,
  );
}
