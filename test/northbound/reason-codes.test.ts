import assert from 'node:assert/strict';
import { ERRORS, type ErrorCode } from '../../src/model/error.ts';
import { connectionError, publishError, subscribeError } from '../../src/northbound/wire/reason-code.ts';

/**
 * What follows from a code: `retry` with growing waits, `throttled` the same, told as what it is, `person` the longest wait at once, `reject` this message
 * is never sent again and a gap record tells, `right` it waits for a right, `later` the message is sent again after a pause, `anew` on a new connection.
 */
type Consequence = 'retry' | 'throttled' | 'person' | 'reject' | 'right' | 'later' | 'anew';

const OF_CONNECTION: Partial<Record<ErrorCode, Consequence>> = {
  HUB_REFUSED: 'retry',
  HUB_THROTTLED: 'throttled',
  HUB_UNAUTHORIZED: 'person',
};
const OF_MESSAGE: Partial<Record<ErrorCode, Consequence>> = {
  HUB_MESSAGE_REJECTED: 'reject',
  HUB_MESSAGE_FORBIDDEN: 'right',
  HUB_THROTTLED: 'later',
  HUB_REFUSED: 'anew',
};

/** MQTT 5 §2.4: every code that is a failure, with the packets it may stand in as §3 lists them. */
const TABLE: readonly (readonly [
  code: number,
  where: Readonly<Partial<Record<'connack' | 'suback' | 'disconnect' | 'puback', Consequence>>>,
])[] = [
  [0x80, { connack: 'retry', suback: 'person', disconnect: 'retry', puback: 'reject' }],
  [0x81, { connack: 'retry', disconnect: 'retry' }],
  [0x82, { connack: 'retry', disconnect: 'retry' }],
  [0x83, { connack: 'retry', suback: 'retry', disconnect: 'retry', puback: 'reject' }],
  [0x84, { connack: 'retry' }],
  [0x85, { connack: 'person' }],
  [0x86, { connack: 'person' }],
  [0x87, { connack: 'person', suback: 'person', disconnect: 'person', puback: 'right' }],
  [0x88, { connack: 'retry' }],
  [0x89, { connack: 'throttled', disconnect: 'throttled' }],
  [0x8a, { connack: 'person' }],
  [0x8b, { disconnect: 'retry' }],
  [0x8c, { connack: 'person' }],
  [0x8d, { disconnect: 'retry' }],
  [0x8e, { disconnect: 'retry' }],
  [0x8f, { suback: 'retry', disconnect: 'retry' }],
  [0x90, { connack: 'retry', disconnect: 'retry', puback: 'reject' }],
  [0x91, { suback: 'retry', puback: 'anew' }],
  [0x93, { disconnect: 'retry' }],
  [0x94, { disconnect: 'retry' }],
  [0x95, { connack: 'retry', disconnect: 'retry' }],
  [0x96, { disconnect: 'throttled' }],
  [0x97, { connack: 'throttled', suback: 'throttled', disconnect: 'throttled', puback: 'later' }],
  [0x98, { disconnect: 'retry' }],
  [0x99, { connack: 'retry', disconnect: 'retry', puback: 'reject' }],
  [0x9a, { connack: 'retry', disconnect: 'retry' }],
  [0x9b, { connack: 'retry', disconnect: 'retry' }],
  [0x9c, { connack: 'retry', disconnect: 'retry' }],
  [0x9d, { connack: 'retry', disconnect: 'retry' }],
  [0x9e, { suback: 'retry', disconnect: 'retry' }],
  [0x9f, { connack: 'throttled', disconnect: 'throttled' }],
  [0xa0, { disconnect: 'retry' }],
  [0xa1, { suback: 'retry', disconnect: 'retry' }],
  [0xa2, { suback: 'retry', disconnect: 'retry' }],
];

describe('reason codes', () => {
  for (const [code, where] of TABLE) {
    it(`0x${code.toString(16)}: ${Object.entries(where)
      .map((entry) => entry.join(' '))
      .join(', ')}`, () => {
      const errors = {
        connack: connectionError(code, 'hub', 'refused'),
        disconnect: connectionError(code, 'hub', 'ended'),
        suback: subscribeError(code, 'hub'),
        puback: publishError(code, 'hub', 't'),
      };
      for (const [packet, consequence] of Object.entries(where)) {
        const error = errors[packet as keyof typeof errors];
        const consequences = packet === 'puback' ? OF_MESSAGE : OF_CONNECTION;
        assert.equal(consequences[error.code], consequence, packet);
        assert.match(error.message, new RegExp(`\\(0x${code.toString(16)}\\)`));
        assert.doesNotMatch(error.message, /no reason known/);
        assert.ok(ERRORS[error.code].action.length > 0);
      }
    });
  }

  it('of MQTT 3.1.1 are known, too', () => {
    const codes = [1, 2, 3, 4, 5].map((code) => OF_CONNECTION[connectionError(code, 'hub', 'refused').code]);
    assert.deepEqual(codes, ['retry', 'person', 'retry', 'person', 'person']);
  });

  it('that nobody knows are told as they came, and tried again', () => {
    assert.match(connectionError(0xee, 'hub', 'refused').message, /no reason known \(0xee\)/);
    assert.equal(OF_CONNECTION[connectionError(0xee, 'hub', 'refused').code], 'retry');
  });
});
