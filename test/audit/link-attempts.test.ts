import assert from 'node:assert/strict';
import type { Fields } from '../../src/audit/audit-line.ts';
import { FloodGate } from '../../src/audit/flood-gate.ts';
import { FLAPS, LinkAttempts } from '../../src/audit/link-attempts.ts';
import { GatewayError } from '../../src/model/error.ts';

describe('attempts to connect, in the audit log', () => {
  let nowMs: number;
  let told: (Fields & { readonly kind: string })[];
  let flaps: FloodGate;

  beforeEach(() => {
    nowMs = 0;
    told = [];
    flaps = new FloodGate(FLAPS, () => nowMs);
  });

  const attemptsOf = (name: string) =>
    new LinkAttempts({
      ...{ kind: 'hub', name, flaps, endpoint: () => 'mqtts://hub', monotonicMs: () => nowMs },
      tell: (kind, fields) => told.push({ kind, ...fields }),
    });
  const error = (code: 'HUB_REFUSED' | 'HUB_UNAUTHORIZED' | 'LINK_UNTRUSTED') => new GatewayError(code, 'hub', 'no');

  it('tells each change, the same refusal once and once an hour, and who is not believed as such', () => {
    const attempts = attemptsOf('cloud');
    for (let count = 0; count < 5; count += 1) attempts.failed('refused', error('HUB_REFUSED'));
    attempts.failed('refused', error('HUB_UNAUTHORIZED'));
    nowMs = 3_600_001;
    attempts.failed('refused', error('HUB_UNAUTHORIZED'));
    attempts.succeeded();
    attempts.failed('lost', error('LINK_UNTRUSTED'));
    assert.deepEqual(
      told.map(({ kind, state, code, attempts: count }) => [kind, state, code, count]),
      [
        ['hub', 'refused', 'HUB_REFUSED', undefined],
        ['authentication', 'refused', 'HUB_UNAUTHORIZED', 5],
        ['authentication', 'refused', 'HUB_UNAUTHORIZED', undefined],
        ['hub', 'up', undefined, undefined],
        ['authentication', 'lost', 'LINK_UNTRUSTED', undefined],
      ],
    );
    assert.deepEqual([told[0]?.hub, told[0]?.endpoint, told[0]?.reason], ['cloud', 'mqtts://hub', 'no']);
  });

  it('writes a bounded number of lines of one that flaps, counts the others, and leaves the neighbours theirs', () => {
    const [flapping, quiet] = [attemptsOf('cloud'), attemptsOf('historian')];
    const flap = () => {
      flapping.succeeded();
      flapping.failed('lost', error('HUB_REFUSED'));
    };
    // Every ten seconds, for a day.
    for (let round = 0; round < 8_640; round += 1) {
      nowMs += 10_000;
      flap();
    }
    quiet.succeeded();
    const lines = told.filter(({ hub }) => hub === 'cloud');
    assert.ok(lines.length <= 20 + 480, `${lines.length} lines`);
    const untold = lines.reduce((sum, { notWrittenBefore = 0 }) => sum + Number(notWrittenBefore), 0);
    const left = flaps.takeHeldBack().reduce((sum, [, count]) => sum + count, 0);
    assert.equal(lines.length + untold + left, 17_280);
    assert.equal(told.at(-1)?.hub, 'historian');
  });
});
