import { Command, CommanderError } from 'commander';
import { toGatewayError } from '../model/error.ts';
import { addAuditCommand } from './audit.ts';
import { addBrowseCommand } from './browse.ts';
import { addCheckCommand } from './check.ts';
import { addCostCommand } from './cost.ts';
import { addDecodeCommand } from './decode.ts';
import { addDemoCommand } from './demo-command.ts';
import { EXIT, exitCodeOf, type Finish } from './exit-code.ts';
import { addModelCommand } from './model.ts';
import { addPlanCommand } from './plan.ts';
import { addReadCommand } from './read.ts';
import { addRunCommand } from './run.ts';
import { addScanCommand } from './scan.ts';
import { addSchemaCommand } from './schema.ts';
import { addSpoolCommand } from './spool.ts';
import { addStatusCommand } from './status.ts';
import { addTrustCommand } from './trust.ts';
import { addVerifyCommand } from './verify.ts';
import { VERSION } from './version.ts';
import { addWriteCommand } from './write.ts';

function createProgram(finish: Finish): Command {
  const program = new Command('fieldmarshal')
    .description('Industrial gateway: OPC UA and Modbus in, digital twin messages out, nothing accepted is lost.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .showHelpAfterError('(fieldmarshal --help lists the commands)')
    .exitOverride();
  for (const add of [
    addRunCommand,
    addCheckCommand,
    addPlanCommand,
    addModelCommand,
    addReadCommand,
    addWriteCommand,
    addScanCommand,
    addDecodeCommand,
    addVerifyCommand,
    addStatusCommand,
    addSpoolCommand,
    addAuditCommand,
    addTrustCommand,
    addCostCommand,
    addSchemaCommand,
    addDemoCommand,
    addBrowseCommand,
  ]) {
    add(program, finish);
  }
  return program;
}

async function main(): Promise<void> {
  const program = createProgram((code) => {
    process.exitCode = code;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    const ours = toGatewayError(error, 'fieldmarshal');
    process.stderr.write(`${ours.subject}: ${ours.message} (${ours.code})\n  ${ours.rule.action}\n`);
    if (ours.code === 'BUG') process.stderr.write(`${ours.stack}\n`);
    process.exitCode = exitCodeOf(ours);
  }
}

await main();
