import { findMosquitto, Mosquitto } from '../../test/support/mosquitto.ts';
import { startChild } from './child.ts';

export interface BenchBroker {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** An MQTT broker in a process of its own: mosquitto where it is installed, else the one of the simulator. */
export async function startBenchBroker(): Promise<BenchBroker> {
  const program = findMosquitto();
  if (program !== undefined) {
    const broker = await Mosquitto.start(program, ['allow_anonymous true', 'persistence false', 'set_tcp_nodelay true']);
    return { name: 'mosquitto', port: broker.port, stop: () => broker.stop() };
  }
  const child = await startChild<{ port: number }>(import.meta.url, './aedes-broker.ts');
  return { name: 'aedes', port: child.ready.port, stop: () => child.stop() };
}
