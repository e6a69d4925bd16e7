import { Argument, type Command } from 'commander';
import { jsonSchemas } from '../config/schemas.ts';
import { declarations } from '../gateway/plug-ins.ts';
import type { Finish } from './exit-code.ts';

export function addSchemaCommand(program: Command, _finish: Finish): void {
  program
    .command('schema')
    .description('print the JSON Schema of a configuration file, for editors')
    .addArgument(new Argument('<file>', 'which file').choices(['gateway', 'mapping']))
    .action((file: 'gateway' | 'mapping') => {
      process.stdout.write(`${JSON.stringify(jsonSchemas(declarations)[file], null, 2)}\n`);
    });
}
