import { randomUUID } from 'node:crypto';
import { describeValue, type JsonValue } from '../model/value.ts';
import type { SimulatedBroker } from '../simulator/broker.ts';
import { PLANT_PARTS, type Plant, type PlantPart } from '../simulator/plant.ts';
import { DEMO_HELP, type DemoInput } from './demo-input.ts';

const RESULT_WITHIN_MS = 10_000;

/** Does what was typed; the lines tell how it went. `topicOf` names the topics of a twin, as `mappings/gateway.yaml` does. */
export async function runDemoInput(
  input: Exclude<DemoInput, { kind: 'quit' }>,
  plant: Plant,
  topicOf: (twin: string, kind: 'command' | 'result') => string,
): Promise<readonly string[]> {
  switch (input.kind) {
    case 'nothing':
      return [];
    case 'help':
      return DEMO_HELP;
    case 'unknown':
      return [`not understood: ${input.text} (type help)`];
    case 'switch':
      return [await switchPart(plant, input.part, input.isUp)];
    case 'write':
      return [await writePoint(plant.broker, input, topicOf(input.twin, 'command'), topicOf(input.twin, 'result'))];
  }
}

async function switchPart(plant: Plant, part: string, isUp: boolean): Promise<string> {
  if (!isPart(part)) return `there is no ${part}; there are ${PLANT_PARTS.join(', ')}`;
  await (isUp ? plant.up(part) : plant.down(part));
  return `${part} is ${isUp ? 'up' : 'down'}`;
}

function isPart(name: string): name is PlantPart {
  return PLANT_PARTS.some((part) => part === name);
}

async function writePoint(
  broker: SimulatedBroker,
  { point, value }: Extract<DemoInput, { kind: 'write' }>,
  commandTopic: string,
  resultTopic: string,
): Promise<string> {
  const id = randomUUID();
  const result = nextResult(broker, resultTopic, id);
  await broker.publish(commandTopic, JSON.stringify({ id, desired: { [point]: value } }));
  return `write ${point} ${value}: ${await result}`;
}

function nextResult(broker: SimulatedBroker, resultTopic: string, id: string): Promise<string> {
  return new Promise((resolve) => {
    const end = (text: string): void => {
      clearTimeout(timer);
      stop();
      resolve(text);
    };
    const timer = setTimeout(() => end(`no result within ${RESULT_WITHIN_MS / 1_000} s`), RESULT_WITHIN_MS);
    const stop = broker.listen(({ topic, payload }) => {
      if (topic !== resultTopic) return;
      const body = JSON.parse(payload.toString()) as CommandResultBody;
      if (body.id === id) end(describe(body));
    });
  });
}

interface CommandResultBody {
  readonly id: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly points?: Readonly<Record<string, { readonly value?: JsonValue; readonly error?: { readonly message: string } }>>;
}

function describe({ status, error, points = {} }: CommandResultBody): string {
  const [point] = Object.values(points);
  const why = error?.message ?? point?.error?.message;
  if (why !== undefined) return `${status}: ${why}`;
  return point?.value === undefined ? status : `${status}, read back ${describeValue(point.value)}`;
}
