import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { type RunningGateway, startGateway } from '../gateway/gateway.ts';
import { declarations } from '../gateway/plug-ins.ts';
import type { GatewayPlan } from '../model/plan.ts';
import { stopSignal } from '../runtime/process-guard.ts';
import { type Plant, startPlant } from '../simulator/plant.ts';
import { runDemoInput } from './demo-actions.ts';
import { type DemoDisplay, openDemoDisplay } from './demo-display.ts';
import { parseDemoInput } from './demo-input.ts';
import { DemoMeasurement, type DemoSummary, formatSummary } from './demo-summary.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { VERSION } from './version.ts';

export interface DemoOptions {
  /** Stops by itself after so many milliseconds. */
  readonly forMs?: number;
  /** The summary as JSON on standard output, everything else on standard error. */
  readonly json?: boolean;
}

/** Where `mappings/*.yaml` expect the simulated plant. */
const PLANT_PLACES = { pressPort: 15_502, fillerPort: 14_840, brokerPort: 18_830, lineLink: '/tmp/fieldmarshal-demo/line-1' };

/** The whole spine on one machine: simulated plant, gateway on the example mappings, broker. Resolves with the exit code. */
export async function runDemo({ forMs, json = false }: DemoOptions = {}): Promise<ExitCode> {
  const { plan, problems } = await loadConfiguration(findMappings(import.meta.dirname), declarations);
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return EXIT.config;
  const directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-demo-'));
  try {
    const summary = await playDemo({ ...plan, spool: { ...plan.spool, directory: join(directory, 'spool') } }, directory, {
      forMs,
      json,
    });
    process.stdout.write(json ? `${JSON.stringify(summary)}\n` : formatSummary(summary));
    return summary.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    process.stderr.write(`port ${error.port} of this machine is taken: does another demo run?\n`);
    return EXIT.failed;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function playDemo(
  plan: GatewayPlan,
  directory: string,
  { forMs, json }: { readonly forMs: number | undefined; readonly json: boolean },
): Promise<DemoSummary> {
  const plant = await startPlant(PLANT_PLACES);
  try {
    const end = Promise.withResolvers<void>();
    const display = openDemoDisplay({
      output: json ? process.stderr : process.stdout,
      onLine: (line) => void obey(line, plant, plan, display, end.resolve),
      onEnd: end.resolve,
    });
    const measurement = new DemoMeasurement(plan);
    try {
      const gateway = await startDemoGateway(plan, directory, display, measurement);
      display.show(gateway.status);
      await ended(end.promise, forMs, display);
      display.leave();
      await gateway.stop();
      const waiting = gateway.status().hubs.map(({ waitingMessages }) => waitingMessages);
      return measurement.summary(plant.broker.recorder, Math.max(0, ...waiting));
    } finally {
      display.leave();
    }
  } finally {
    await plant.close();
  }
}

function startDemoGateway(
  plan: GatewayPlan,
  stateDirectory: string,
  display: DemoDisplay,
  measurement: DemoMeasurement,
): Promise<RunningGateway> {
  return startGateway(plan, {
    log: display.log,
    version: VERSION,
    stateDirectory,
    onAcknowledged: (_hub, stored, bytes, atMs) => measurement.acknowledged(stored, bytes, atMs),
  });
}

async function obey(line: string, plant: Plant, plan: GatewayPlan, display: DemoDisplay, quit: () => void): Promise<void> {
  const input = parseDemoInput(line);
  if (input.kind === 'quit') return quit();
  // The same topics as in mappings/gateway.yaml.
  const topicOf = (twin: string, kind: string) => `${plan.gateway.labels.site}/${twin}/${kind}`;
  try {
    for (const told of await runDemoInput(input, plant, topicOf)) display.tell(told);
  } catch (error) {
    display.tell(error instanceof Error ? error.message : String(error));
  }
}

/** Until somebody has had enough, the time is over, or a signal comes. */
async function ended(byPerson: Promise<void>, forMs: number | undefined, { log }: DemoDisplay): Promise<void> {
  const stop = stopSignal(log);
  const bySignal = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  const { promise: byTime, resolve } = Promise.withResolvers<void>();
  const timer = forMs === undefined ? undefined : setTimeout(resolve, forMs);
  await Promise.race([byPerson, bySignal, byTime]);
  clearTimeout(timer);
}

/** The example mappings of the checkout, or those that were packaged. */
function findMappings(directory: string): string {
  const found = join(directory, 'mappings');
  if (existsSync(join(found, 'gateway.yaml')) || dirname(directory) === directory) return found;
  return findMappings(dirname(directory));
}

function isPortTaken(error: unknown): error is Error & { readonly port: number } {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
