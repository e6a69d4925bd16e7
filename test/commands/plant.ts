import { EMPTY } from 'rxjs';
import type { WriteCommand } from '../../src/model/command.ts';
import type { DataType } from '../../src/model/data-type.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { DevicePlan, MethodPlan, PointPlan, WriteRule } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import { describeValue, type Value } from '../../src/model/value.ts';
import type { ConnectorSession, MethodCall, MethodResult, OneShot, Write, WriteResult } from '../../src/southbound/connector.ts';

export function pointPlan(name: string, type: DataType, write?: WriteRule, point: Partial<Point> = {}): PointPlan {
  return {
    point: {
      id: `press-07/${name}`,
      device: 'press-07',
      name,
      address: { holding: 1 },
      type,
      access: write === undefined ? 'read' : 'read-write',
      kind: 'telemetry',
      intervalMs: 1_000,
      ...point,
    },
    keys: {},
    ...(write === undefined ? {} : { write }),
  };
}

export function press(points: readonly PointPlan[], methods: readonly MethodPlan[] = []): DevicePlan {
  return {
    methods,
    twin: 'press-07',
    labels: {},
    connection: 'line',
    settings: {},
    points,
    hubs: { telemetry: ['cloud'], property: ['cloud'], event: ['cloud'], gap: ['cloud'], status: ['cloud'] },
    message: { maxBytes: 10_000, maxAgeMs: 1_000 },
  };
}

export const NOW_MS = Date.UTC(2026, 0, 1);

export function command(id: string, desired: Readonly<Record<string, Value>>, more: Partial<WriteCommand> = {}): WriteCommand {
  return { id, device: 'press-07', desired, expiresTimeMs: NOW_MS + 60_000, ...more };
}

/** A device that holds what is written to it, or behaves as a test says; keeps a record of every call. */
export class RecordedSession implements ConnectorSession {
  readonly calls: string[] = [];
  readonly held = new Map<string, Value>();
  readonly batches = EMPTY;
  readonly lost = new Promise<GatewayError>(() => {});
  /** What the device says to a write; by default it takes it. */
  answer: (write: Write) => WriteResult = ({ point, value }) => {
    this.held.set(point.name, value);
    return { written: true };
  };
  /** Thrown by the next calls. */
  lostAtWrite: GatewayError | undefined;
  lostAtRead: GatewayError | undefined;
  beforeRead: () => Promise<void> = async () => {};
  beforeWrite: () => Promise<void> = async () => {};

  async read(points: readonly Point[]): Promise<readonly OneShot[]> {
    this.calls.push(`read ${points.map(({ name }) => name).join(' ')}`);
    await this.beforeRead();
    if (this.lostAtRead !== undefined) throw this.lostAtRead;
    return points.map((point) => {
      const value = this.held.get(point.name);
      const base = { point, raw: '', sourceTimeMs: NOW_MS };
      return value === undefined
        ? { ...base, value: null, quality: 'bad', status: 'BadTimeout' }
        : { ...base, value, quality: 'good' };
    });
  }

  async write(writes: readonly Write[]): Promise<readonly WriteResult[]> {
    this.calls.push(`write ${writes.map(({ point, value }) => `${point.name}=${value}`).join(' ')}`);
    await this.beforeWrite();
    if (this.lostAtWrite !== undefined) throw this.lostAtWrite;
    return writes.map((write) => this.answer(write));
  }

  /** What the device says to a call; by default it does it and gives nothing back. */
  answerCall: (call: MethodCall) => MethodResult = () => ({ called: true, outputs: {} });
  lostAtCall: GatewayError | undefined;

  async call(call: MethodCall): Promise<MethodResult> {
    this.calls.push(`call ${call.device} ${call.method.name}(${call.arguments.map(describeValue).join(', ')})`);
    if (this.lostAtCall !== undefined) throw this.lostAtCall;
    return this.answerCall(call);
  }

  async close(): Promise<void> {}
}

export function deviceError(code: 'DEVICE_TIMEOUT' | 'DEVICE_EXCEPTION' | 'LINK_CLOSED'): GatewayError {
  return new GatewayError(code, 'press-07', `simulated ${code}`);
}
