import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { referencePage } from '../../src/config/reference.ts';
import { jsonSchemas } from '../../src/config/schemas.ts';
import { ERRORS } from '../../src/model/error.ts';
import { declarations } from '../support/declarations.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

describe('what is generated', () => {
  const page = referencePage(declarations);
  const { gateway, mapping } = jsonSchemas(declarations);

  it('names every key of every protocol, operator and dialect with a description', () => {
    const objects = [
      ...declarations.protocols.flatMap(({ connection, device, point }) => [connection, device, point]),
      ...declarations.operators.map(({ keys }) => keys),
      ...declarations.dialects.map(({ settings }) => settings),
    ];
    for (const key of objects.flatMap((object) => Object.keys(object.shape))) assert.ok(page.includes(`| \`${key}\` |`), key);
    assert.doesNotMatch(page, /\| {2}\|$/m, 'every key has a description');
  });

  it('lists every error code with what to do', () => {
    for (const [code, { action }] of Object.entries(ERRORS))
      assert.ok(page.includes(`\`${code}\``) && page.includes(action), code);
  });

  it('is a schema that refuses unknown keys and knows the unit of durations', () => {
    const text = JSON.stringify([gateway, mapping]);
    assert.match(text, /"additionalProperties":false/);
    assert.doesNotMatch(text, /"format":"(duration|size|secret|file|certificate)"/);
    const { connection } = mapping.properties as {
      readonly connection: { readonly properties: { readonly protocol: { readonly enum: unknown } } };
    };
    assert.deepEqual(
      connection.properties.protocol.enum,
      declarations.protocols.map(({ protocol }) => protocol),
    );
  });

  it('is what was committed', () => {
    const { stderr, status } = spawnSync(process.execPath, [join(REPOSITORY, 'scripts', 'generate.ts'), '--check'], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });
});
