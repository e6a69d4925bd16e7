import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { GatewayStatus, LinkStatus } from '../model/status.ts';
import type { Health } from './health.ts';

type Labels = Readonly<Record<string, string>>;
type Counters = Readonly<Record<string, number>>;

const LINK_STATES: readonly LinkStatus['state'][] = ['opening', 'up', 'waiting', 'stopped'];

export interface Metrics {
  readonly contentType: string;
  /** Prometheus text format: this status, and the process itself. */
  render(status: GatewayStatus, health: Health): Promise<string>;
}

export function createMetrics(): Metrics {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return {
    contentType: ofProcess.contentType,
    render: async (status, health) => `${await renderStatus(status, health)}\n${await ofProcess.metrics()}`,
  };
}

/** Made anew at each scrape, so that a metric never tells of a connection that is no more. */
function renderStatus(status: GatewayStatus, health: Health): Promise<string> {
  const sheet = new MetricSheet();
  sheet.gauge('gateway_info', 'Always 1; who this is', 1, { gateway: status.gateway, version: status.version });
  sheet.gauge('gateway_start_time_seconds', 'When the gateway started, UTC since 1970', status.startedTimeMs / 1_000);
  sheet.gauge('gateway_clock_known', '1 while the time is known to be right', Number(status.clock.state === 'known'));
  sheet.counters('gateway_clock', { steps: status.clock.steps }, {});
  sheet.gauge('gateway_healthy', '1 while event loop, spool and forwarders make progress', Number(health.isHealthy));
  describeConnections(sheet, status);
  describeHubs(sheet, status);
  describeSpool(sheet, status);
  describeAudit(sheet, status);
  return sheet.render();
}

function describeConnections(sheet: MetricSheet, { connections }: GatewayStatus): void {
  for (const { name: connection, link, counters, devices, expiries = {} } of connections) {
    sheet.linkState('southbound_link_state', link, { connection });
    sheet.counters('southbound', counters, { connection });
    sheet.expiries('southbound', expiries, { connection });
    for (const { twin: device, state, readings, messages, failures = 0, unmeasured = {} } of devices) {
      sheet.gauge('southbound_device_up', '1 while the device answers', Number(state === 'up'), { connection, device });
      sheet.counters('pipeline', { readings, messages, failures }, { device });
      for (const [reason, { records, readings }] of Object.entries(unmeasured))
        sheet.counters('pipeline', { gap_records: records, unmeasured_readings: readings }, { device, reason });
    }
  }
}

function describeHubs(sheet: MetricSheet, { hubs, nowMs }: GatewayStatus): void {
  for (const { name: hub, link, counters, waitingMessages, oldestTimeMs, inFlight, expiries = {} } of hubs) {
    const ageSeconds = oldestTimeMs === undefined ? 0 : Math.max(0, nowMs - oldestTimeMs) / 1_000;
    sheet.linkState('northbound_link_state', link, { hub });
    sheet.counters('northbound', counters, { hub });
    sheet.expiries('northbound', expiries, { hub });
    sheet.gauge('northbound_waiting_messages', 'Messages in the spool that the hub has not acknowledged', waitingMessages, {
      hub,
    });
    sheet.gauge('northbound_oldest_message_age_seconds', 'Age of the oldest of them', ageSeconds, { hub });
    sheet.gauge('northbound_in_flight_messages', 'Published and not yet acknowledged', inFlight, { hub });
  }
}

function describeSpool(sheet: MetricSheet, { spool }: GatewayStatus): void {
  for (const [name, { bytes, maxBytes, segments, counters }] of Object.entries(spool.classes)) {
    const labels = { class: name };
    sheet.counters('spool', counters, labels);
    sheet.gauge('spool_stored_bytes', 'Bytes on disk', bytes, labels);
    sheet.gauge('spool_limit_bytes', 'Bytes on disk at most', maxBytes, labels);
    sheet.gauge('spool_segments', 'Files on disk', segments, labels);
  }
  sheet.gauge('spool_disk_low', '1 while the disk has fewer bytes free than `spool.keepFree`', Number(spool.isDiskLow));
  sheet.gauge('spool_degraded', '1 while the disk does not take what is appended', Number(spool.state === 'degraded'));
}

function describeAudit(sheet: MetricSheet, { audit }: GatewayStatus): void {
  if (audit === undefined) return;
  sheet.counters('audit', { entries: audit.entries, lost_entries: audit.lost }, {});
  sheet.gauge('audit_degraded', '1 while the disk does not take what is to be audited', Number(audit.state === 'degraded'));
}

class MetricSheet {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();

  gauge(name: string, help: string, value: number, labels: Labels = {}): void {
    const gauge =
      this.#gauges.get(name) ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    this.#gauges.set(name, gauge);
    gauge.set({ ...labels }, value);
  }

  expiries(room: string, expiries: Readonly<Record<string, number>>, labels: Labels): void {
    for (const [certificate, validToMs] of Object.entries(expiries)) {
      const help = 'When the certificate expires, UTC since 1970';
      this.gauge(`${room}_certificate_expiry_time_seconds`, help, validToMs / 1_000, { ...labels, certificate });
    }
  }

  linkState(name: string, link: LinkStatus, labels: Labels): void {
    for (const state of LINK_STATES)
      this.gauge(name, '1 for the state of the link', Number(link.state === state), { ...labels, state });
  }

  /** `<room>_<noun>_<unit>_total` */
  counters(room: string, counters: Counters, labels: Labels): void {
    for (const [key, value] of Object.entries(counters)) {
      const name = `${room}_${key.replaceAll(/[^a-z0-9_]/g, '_')}_total`;
      const help = `${key.replaceAll('_', ' ')} since the start`;
      const counter =
        this.#counters.get(name) ?? new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
      this.#counters.set(name, counter);
      counter.inc({ ...labels }, value);
    }
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
