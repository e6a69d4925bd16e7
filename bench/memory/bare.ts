import { tellReady } from '../harness/child.ts';
import { residentBytes } from './resident-bytes.ts';

/** The libraries of a gateway with Modbus devices, loaded and not used. Tells its resident memory. */
for (const library of ['serialport', 'mqtt', 'rxjs', 'yaml', 'zod', 'pino', 'prom-client', '@marcbachmann/cel-js'])
  await import(library);

tellReady({ bytes: await residentBytes() });
