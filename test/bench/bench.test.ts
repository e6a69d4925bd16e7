import assert from 'node:assert/strict';
import { flash } from '../../bench/flash.ts';
import { gateway } from '../../bench/gateway.ts';
import { compare, toRow } from '../../bench/harness/compare.ts';
import { QUICK } from '../../bench/harness/effort.ts';
import { median, spread } from '../../bench/harness/median.ts';
import type { Row } from '../../bench/harness/row.ts';
import { formatTable } from '../../bench/harness/table.ts';
import { modbusTcp } from '../../bench/modbus-tcp.ts';
import { seven } from '../../bench/seven.ts';
import { worstLatenessMs } from '../../bench/slow-disk/lateness.ts';
import { slowDisk } from '../../bench/slow-disk.ts';

const row: Row = {
  name: 'modbus-tcp',
  unit: 'requests/s',
  ours: 8_123.4,
  limit: 10_000,
  ratio: 0.81,
  spread: 0.034,
  runs: 5,
  note: 'a bare socket',
};

describe('bench harness', () => {
  it('takes the middle value, of an even number the mean of the two in the middle', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([1, 2, 4, 100]), 3);
    assert.equal(median([7]), 7);
    assert.ok(Number.isNaN(median([])));
  });

  it('tells the spread as half of the range by the median', () => {
    assert.equal(spread([0.8, 1, 1.2]).toFixed(3), '0.200');
    assert.equal(spread([3]), 0);
  });

  it('divides the medians, and spreads the ratios of the single pairs', () => {
    const rows = { rate: { name: 'any', unit: '/s', note: (ours: number, limit: number) => `${ours} of ${limit}` } };
    const pairs = [
      { ours: { rate: 50 }, limit: { rate: 100 } },
      { ours: { rate: 80 }, limit: { rate: 80 } },
      { ours: { rate: 60 }, limit: { rate: 80 } },
    ];
    const found = toRow({ rows }, 'rate', pairs);
    assert.deepEqual([found.ours, found.limit, found.ratio, found.runs], [60, 80, 0.75, 3]);
    assert.equal(found.spread.toFixed(3), '0.333');
    assert.equal(found.note, '60 of 80');
  });

  it('measures both sides in turn and leaves the first pair out', async () => {
    const order: string[] = [];
    const rows = { rate: { name: 'any', unit: '/s', note: '' } };
    const side = (name: string) => async () => ({ rate: order.push(name) });
    const [found] = await compare({ rows, ours: side('ours'), limit: side('limit') }, { ...QUICK, runs: 2 });
    assert.deepEqual(order, ['ours', 'limit', 'ours', 'limit', 'ours', 'limit']);
    assert.deepEqual([found?.runs, found?.ours, found?.limit], [2, 4, 5]);
  });

  it('aligns the table: names to the left, numbers to the right, notes below', () => {
    const other = { ...row, name: 'spool', ours: 1.055, limit: 1, ratio: 1.055, unit: 'bytes', note: 'a file' };
    assert.deepEqual(formatTable([row, other]).split('\n'), [
      'name                    ours              limit  ratio  spread  runs',
      '----------  ----------------  -----------------  -----  ------  ----',
      'modbus-tcp  8,120 requests/s  10,000 requests/s   0.81    ±3 %     5',
      'spool             1.06 bytes            1 bytes   1.05    ±3 %     5',
      '',
      'modbus-tcp: a bare socket',
      'spool: a file',
    ]);
  });
});

describe('lateness of polls', () => {
  it('is what the latest is behind the pace of the earliest', () => {
    assert.equal(worstLatenessMs([7, 107, 212, 307, 404], 100), 8);
    assert.equal(worstLatenessMs([7], 100), 0);
  });

  it('keeps the pace over a poll that came late, and tells one that did not come as late by an interval', () => {
    assert.equal(worstLatenessMs([0, 100, 270, 300, 400], 100), 100);
    assert.equal(worstLatenessMs([0, 100, 300, 400], 100), 100);
    assert.equal(worstLatenessMs([0, 149, 200], 100), 49);
  });
});

describe('bench in a smoke run', () => {
  it('runs a scenario of the seven to the end of the pipelines', async () => {
    const rows = await seven(QUICK);
    assert.ok(rows.length >= 5);
    for (const { name, ours, limit } of rows) assert.ok(ours > 0 && limit > 0, name);
    assert.match(rows[0]?.note ?? '', / 0 were bad/);
  }).timeout(60_000);

  it('counts behind the broker what the whole gateway delivers, and what that takes', async () => {
    const rows = await gateway(QUICK);
    assert.deepEqual(
      rows.map(({ unit }) => unit),
      ['readings/s', 'cores', 'MB'],
    );
    for (const { name, ours } of rows) assert.ok(ours > 0, name);
  }).timeout(60_000);

  it('counts what reaches the flash', async () => {
    for (const { ours } of await flash(QUICK)) assert.ok(ours > 2 && ours < 10_000, `${ours} bytes a reading`);
  }).timeout(60_000);

  it('sees the polls while the disk is slow', async () => {
    for (const { ours, note } of await slowDisk(QUICK)) {
      assert.ok(ours > 0);
      assert.match(note, /\([01] commits meanwhile\).* \([1-9]\d* commits\)$/);
    }
  }).timeout(60_000);

  it('compares Modbus TCP with a bare socket', async () => {
    const rows = await modbusTcp(QUICK);
    assert.ok(rows.length >= 4);
    for (const { name, ours, limit, ratio } of rows) {
      assert.ok(ours > 0 && limit > 0 && Number.isFinite(ratio), name);
    }
  });
});
