import { devicePoints, type ModbusDevicePlan, type ModbusPlan } from './plan.ts';
import { placePoint, planReads } from './read-plan.ts';
import { frameBytes } from './request.ts';
import type { RtuSettings } from './settings.ts';
import { silentIntervalMs, transactionMs } from './timing.ts';

/** Share of the time that the line is needed for the polls of its devices, if these answered at once. */
export function lineLoadPercent(plan: ModbusPlan<RtuSettings>): number {
  return 100 * plan.devices.reduce((sum, device) => sum + deviceLoad(device, plan.settings), 0);
}

/** Requests of one second. */
export function requestsPerSecond(plan: ModbusPlan): number {
  const rates = plan.devices.flatMap((device) =>
    pollGroups(device).map(({ intervalMs, requests }) => (1_000 * requests.length) / intervalMs),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

function deviceLoad(device: ModbusDevicePlan, settings: RtuSettings): number {
  const silenceMs = (settings.interFrameDelay ?? silentIntervalMs(settings.baudRate)) + settings.pauseBetweenRequests;
  const loads = pollGroups(device).map(({ intervalMs, requests }) => {
    const busyMs = requests.map(frameBytes).map(({ request, answer }) => transactionMs(request, answer, settings, silenceMs));
    return busyMs.reduce((sum, ms) => sum + ms, 0) / intervalMs;
  });
  return loads.reduce((sum, load) => sum + load, 0);
}

function pollGroups(device: ModbusDevicePlan) {
  const readable = devicePoints(device).filter(({ access }) => access !== 'write');
  return [...Map.groupBy(readable, ({ intervalMs }) => intervalMs)].map(([intervalMs, points]) => {
    const placed = points.map((point) => placePoint(point, device.settings));
    return { intervalMs, requests: planReads(placed, device.settings).map(({ request }) => request) };
  });
}
