import type { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { type RunningGateway, startGateway } from '../gateway/gateway.ts';
import { declarations } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayPlan } from '../model/plan.ts';
import { systemClock } from '../runtime/clock.ts';
import { compactHeap } from '../runtime/compact-heap.ts';
import { startHealthLine } from '../runtime/health-line.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { endOnBugs, stopSignal } from '../runtime/process-guard.ts';
import { createNotifier, type Notifier } from '../runtime/systemd-notifier.ts';
import { startWatchdog } from '../runtime/systemd-watchdog.ts';
import { type ConfigOption, configPath } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { chooseLogFormat } from './log-format.ts';
import { VERSION } from './version.ts';

export function addRunCommand(program: Command, finish: Finish): void {
  program
    .command('run')
    .description('run the gateway until it is told to stop (SIGTERM or Ctrl-C)')
    .argument('[path]', 'directory that holds gateway.yaml, or the file itself')
    .option('-c, --config <path>', 'the same; one of them is needed')
    .action(async (path: string | undefined, options: ConfigOption) => finish(await run(configPath(path, options, ''))));
}

async function run(config: string): Promise<ExitCode> {
  if (config === '') throw new GatewayError('USAGE', 'run', 'say which configuration: `fieldmarshal run --config DIR`');
  const { plan, problems } = await loadConfiguration(config, declarations);
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return EXIT.config;
  compactHeap();
  const log = createLog({ level: plan.log.level, format: chooseLogFormat(process.stdout), destination: process.stdout });
  endOnBugs(log);
  const stop = stopSignal(log);
  const notifier = createNotifier({ environment: process.env, log });
  const gateway = await startGateway(plan, {
    log,
    version: VERSION,
    stateDirectory: plan.stateDirectory,
    setLogLevel: log.setLevel,
  });
  await announce(plan, gateway, notifier, log, stop);
  await stopped(stop);
  await notifier.stopping();
  await gateway.stop();
  log.info('gateway stopped');
  return EXIT.ok;
}

async function announce(
  plan: GatewayPlan,
  gateway: RunningGateway,
  notifier: Notifier,
  log: Log,
  stop: AbortSignal,
): Promise<void> {
  log.info('gateway started', {
    gateway: plan.gateway.id,
    version: VERSION,
    devices: plan.devices.length,
    hubs: plan.hubs.length,
  });
  const { status, health } = gateway;
  startHealthLine({ log, clock: systemClock, status, health, tell: (text) => notifier.status(text), signal: stop });
  startWatchdog({ notifier, health, clock: systemClock, environment: process.env, log, signal: stop });
  await notifier.ready();
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
