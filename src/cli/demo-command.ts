import type { Command } from 'commander';
import { GatewayError } from '../model/error.ts';
import type { Finish } from './exit-code.ts';
import { parseDuration } from './parse-duration.ts';

export function addDemoCommand(program: Command, finish: Finish): void {
  program
    .command('demo')
    .description('run the gateway against a simulated plant and show what happens')
    .option('--for <duration>', 'stop by itself after this time, e.g. 20s, and print a summary', parseDuration)
    .option('--json', 'print the summary as JSON')
    .action(async ({ for: forMs, json = false }: { for?: number; json?: boolean }) => {
      const { runDemo } = await import('./demo.ts').catch(refusePackaged);
      finish(await runDemo({ json, ...(forMs === undefined ? {} : { forMs }) }));
    });
}

/** What simulates the plant are development packages, which an installed gateway does not have. */
function refusePackaged(error: unknown): never {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
  throw new GatewayError(
    'USAGE',
    'demo',
    'the simulated plant belongs to the checkout and is not installed: `npm ci && npm start`',
    {
      cause: error,
    },
  );
}
