import type { PlannedPoll, PlannedRequest, RequestPlan } from '../../../src/southbound/tools.ts';
import { isSerial, type ModbusPlan } from '../mapping/plan.ts';
import { transactionBytes } from '../protocol/framing.ts';
import { framingOf } from '../protocol/framings.ts';
import { answerBytes, type ReadRequest, requestBytes } from '../protocol/request.ts';
import { busyPercent, type PlannedGroup, plannedGroups } from './line-load.ts';
import { ASSUMED_TURN_AROUND_MS, type ReadCost, readCost } from './read-cost.ts';
import type { PlacedPoint } from './read-items.ts';
import { type Block, costOf } from './read-plan.ts';

/** How a connection will be polled before anything was measured or refused. */
export function requestPlan(plan: ModbusPlan): RequestPlan {
  const cost = readCost(plan);
  const groups = plannedGroups(plan);
  return {
    basis: basisOf(plan),
    polls: groups.map((group) => toPoll(group, plan, cost)),
    busyPercent: busyPercent(groups),
  };
}

function basisOf(plan: ModbusPlan): string {
  const devices = `devices that answer after ${ASSUMED_TURN_AROUND_MS} ms`;
  if (!isSerial(plan)) return `one request at a time, ${devices}; what they take is measured when it runs`;
  const { baudRate, dataBits, parity, stopBits } = plan.settings;
  return `${baudRate} baud, ${dataBits} data bits, parity ${parity}, ${stopBits} stop bit${stopBits === 1 ? '' : 's'}, ${devices}`;
}

function toPoll(group: PlannedGroup, plan: ModbusPlan, cost: ReadCost): PlannedPoll {
  const { device, intervalMs, blocks } = group;
  return {
    device: device.twin,
    intervalMs,
    requests: blocks.map((block) => toRequest(block, plan, cost)),
    busyPercent: busyPercent([group]),
  };
}

function toRequest(block: Block, plan: ModbusPlan, cost: ReadCost): PlannedRequest {
  const { request, points } = block;
  return {
    unit: request.unit,
    function: request.function,
    address: request.address,
    count: request.count,
    points: points.map(({ point }) => point.name),
    unwanted: request.count - wantedCells(points),
    bytes: plan.protocol === 'modbus-tcp' ? tcpBytes(request) : lineBytes(request, plan),
    ms: costOf([block], cost),
  };
}

function wantedCells(points: readonly PlacedPoint[]): number {
  const cells = points.flatMap(({ address, layout }) => Array.from({ length: layout.size }, (_, index) => address + index));
  return new Set(cells).size;
}

/** Transaction id, protocol id and length stand before unit and PDU. */
const TCP_HEADER_BYTES = 6;

function tcpBytes(request: ReadRequest): number {
  return 2 * TCP_HEADER_BYTES + requestBytes(request) + answerBytes(request);
}

function lineBytes(request: ReadRequest, plan: ModbusPlan): number {
  const bytes = transactionBytes(request, framingOf(plan));
  return bytes.request + bytes.answer;
}
