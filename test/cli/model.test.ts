import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../support/run-cli.ts';

const MAPPINGS = join(import.meta.dirname, '../../mappings');

describe('fieldmarshal model', function () {
  this.timeout(60_000);

  it('writes what a mapping sends as DTDL, and nothing to complain of', async () => {
    const { code, stdout, stderr } = await runCli(['model', join(MAPPINGS, 'press-07.yaml'), '--dtdl', '4']);
    assert.deepEqual([code, stderr], [0, '']);
    const { '@id': id, contents } = JSON.parse(stdout);
    assert.equal(id, 'dtmi:com:example:Press;1');
    assert.deepEqual(
      contents.map(({ name }: { name: string }) => name),
      [
        'oilTemperature',
        'speed',
        'strokes',
        'motorCurrentMean',
        'motorCurrentMin',
        'motorCurrentMax',
        'emergencyStop',
        'speedSetpoint',
      ],
    );
    assert.deepEqual(contents.at(-1), {
      '@type': 'Property',
      name: 'speedSetpoint',
      comment: 'unit: strokesPerMinute',
      schema: 'unsignedShort',
      writable: true,
    });
  });

  it('knows status words, arrays, texts and words of Modbus', async () => {
    const { stdout } = await runCli(['model', join(MAPPINGS, 'press-07-panel.yaml')]);
    const { contents } = JSON.parse(stdout) as { contents: { name: string; schema: unknown }[] };
    const schemas = Object.fromEntries(contents.map(({ name, schema }) => [name, schema]));
    const fields = ['isRunning', 'isAtSpeed'].map((name) => ({ name, schema: 'boolean' }));
    assert.deepEqual(schemas.status, { '@type': 'Object', fields });
    assert.deepEqual(schemas.strokesByShift, { '@type': 'Array', elementSchema: 'long' });
    assert.deepEqual([schemas.maker, schemas.clock, schemas.oilPressure], ['string', 'dateTime', 'double']);
    const { enumValues } = schemas.mode as { enumValues: unknown };
    const value = (name: string) => ({ name, displayName: name, enumValue: name });
    assert.deepEqual(enumValues, [value('stopped'), value('automatic')]);
  });

  it('writes Thing Descriptions with the topics of the hub', async () => {
    const { code, stdout, stderr } = await runCli(['model', join(MAPPINGS, 'press-07.yaml'), '--wot']);
    assert.deepEqual([code, stderr], [0, '']);
    const { title, properties, actions } = JSON.parse(stdout);
    assert.deepEqual([title, Object.keys(properties).length, Object.keys(actions)], ['press-07', 8, ['set_speedSetpoint']]);
    assert.match(properties.speed.forms[0]['mqv:filter'], /press-07\/telemetry$/);
    const unknown = await runCli(['model', join(MAPPINGS, 'press-07.yaml'), '--wot', '--hub', 'nobody']);
    assert.equal(unknown.code, 64);
  });

  it('says where the type is missing that only the device knows', async () => {
    const { code, stderr } = await runCli(['model', join(MAPPINGS, 'filler-02.yaml')]);
    assert.equal(code, 0);
    assert.match(stderr, /filler-02\.yaml:16:3: warning: .*`fillLevel`/);
  });

  it('refuses a mapping without a model, and writes to a file where told', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'model-'));
    const out = join(directory, 'model.json');
    const text = await readFile(join(MAPPINGS, 'press-07.yaml'), 'utf8');
    const mapping = join(directory, 'press.yaml');
    await writeFile(mapping, text.replace(/^model:.*\n/m, ''));
    const refused = await runCli(['model', mapping, '--out', out]);
    assert.equal(refused.code, 78);
    assert.match(refused.stderr, /press\.yaml:2:1: error: `model` is missing/);
    await writeFile(mapping, text);
    assert.deepEqual((await runCli(['model', mapping, '--out', out])).stdout, '');
    assert.equal(JSON.parse(await readFile(out, 'utf8'))['@type'], 'Interface');
  });
});
