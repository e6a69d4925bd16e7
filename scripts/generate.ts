/** Writes what is generated, most of it from the declarations into `mappings/`; with `--check` only compares, and exits 1 with the files that differ. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectors } from '../connectors/index.ts';
import { referencePage } from '../src/config/reference.ts';
import { jsonSchemas } from '../src/config/schemas.ts';
import { dialects } from '../src/northbound/dialects/index.ts';
import { operators } from '../src/pipeline/operators/index.ts';
import { statusCodesModule } from './status-codes.ts';

const ROOT = join(import.meta.dirname, '..');
const declarations = { protocols: connectors, operators, dialects };
const { gateway, mapping } = jsonSchemas(declarations);

const files: Readonly<Record<string, string>> = {
  'mappings/schema/gateway.schema.json': `${JSON.stringify(gateway, null, 2)}\n`,
  'mappings/schema/mapping.schema.json': `${JSON.stringify(mapping, null, 2)}\n`,
  'mappings/REFERENCE.md': referencePage(declarations),
  'src/northbound/shapes/status-codes.ts': statusCodesModule(),
};

function committed(name: string): string | undefined {
  try {
    return readFileSync(join(ROOT, name), 'utf8');
  } catch {
    return undefined;
  }
}

const different = Object.entries(files).filter(([name, text]) => committed(name) !== text);

if (process.argv.includes('--check')) {
  for (const [name] of different) console.error(`${name} is not up to date: run \`npm run generate\``);
  process.exitCode = different.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of different) {
    mkdirSync(dirname(join(ROOT, name)), { recursive: true });
    writeFileSync(join(ROOT, name), text);
    console.log(name);
  }
}
