import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { tell } from '../support/scenario/figures.ts';
import type { Gateway } from '../support/scenario/gateway.ts';
import { fillerMapping, metersMapping, type Plant, pressMapping } from '../support/scenario/plant.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';
import { laterThirds, mebibytes, medians } from './support/medians.ts';
import { LONG_MS, trials } from './support/scale.ts';

const UNITS = [1, 2, 3, 4];
/** Few rounds: each back-off is short still. Many: connections live for half a minute in between, after which it begins anew. */
const FEW_ROUNDS = 3;
const REST_MS = 7_000;
const BACK_WITHIN_MS = 120_000;
const GROWTH = 1.05;
/** Before V8 has found its size, which takes minutes, a process may grow by so much without a leak. */
const COLD_ROUNDS = 15;
const COLD_SLACK_BYTES = 32 * 2 ** 20;
/** Segments of the spool come and go. */
const SLACK_FILES = 2;

describe('the whole gateway, while the plant and the cloud come and go', function () {
  this.timeout(LONG_MS);
  const scene = eachScene();

  it('keeps its memory and its files, recovers each time, and loses nothing', async () => {
    const rounds = trials('ROUNDS', FEW_ROUNDS, 90);
    const broker = await scene().recordingBroker();
    const presses = await scene().plant({ kind: 'modbus-tcp', units: UNITS });
    const meters = await scene().plant({ kind: 'modbus-rtu', units: [1, 2] });
    const filler = await scene().plant({ kind: 'opcua' });
    const mappings = [pressMapping(presses, { units: UNITS }), metersMapping(meters), fillerMapping(filler)];
    const gateway = await scene().gateway({ broker, mappings });
    const anew = async (what: Pick<Plant, 'kill' | 'start'>) => {
      await what.kill();
      await pause(200);
      await what.start();
    };
    const faults = [
      () => anew(broker),
      () => anew(presses),
      () => anew(filler),
      async () => {
        await meters.silence(1);
        await pause(1_000);
        await meters.mend();
      },
      async () => {
        broker.freeze();
        await pause(500);
        broker.thaw();
      },
    ];
    await until('everything is up', () => isWell(gateway));
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const fault of faults) {
        await fault();
        await until('everything is up again', () => isWell(gateway), { withinMs: BACK_WITHIN_MS });
        if (rounds > FEW_ROUNDS) await pause(REST_MS);
      }
      samples.push(await sample(gateway.pid));
    }
    const { code } = await gateway.stop();
    assert.equal(code, 0);
    await verifyDeliveries(broker);

    const [early, late] = laterThirds(samples).map((part) => medians<keyof Sample>(part));
    assert.ok(early !== undefined && late !== undefined);
    tell({
      ...{ rounds, faults: rounds * faults.length, ...broker.record.totals },
      resident: `${mebibytes(early.resident)} to ${mebibytes(late.resident)} MiB`,
      files: `${early.files} to ${late.files}`,
    });
    const most = rounds < COLD_ROUNDS ? early.resident + COLD_SLACK_BYTES : early.resident * GROWTH;
    assert.ok(late.resident <= most, `memory grew from ${early.resident} to ${late.resident} bytes`);
    assert.ok(late.files <= early.files + SLACK_FILES, `open files grew from ${early.files} to ${late.files}`);
  });
});

interface Sample {
  readonly resident: number;
  readonly files: number;
}

/** As the kernel counts them. */
async function sample(pid: number | undefined): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { resident: kibibytes * 1_024, files: (await readdir(`/proc/${pid}/fd`)).length };
}

async function isWell(gateway: Gateway): Promise<boolean> {
  const { connections, hubs } = await gateway.status();
  const devices = connections.flatMap((connection) => connection.devices);
  return (
    devices.every(({ state }) => state === 'up') &&
    hubs.every(({ link, waitingMessages }) => link.state === 'up' && waitingMessages <= 10)
  );
}
