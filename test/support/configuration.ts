import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const GATEWAY = `gateway:
  id: plant-a
hubs:
  cloud: { dialect: mqtt, url: mqtts://broker.example:8883 }
`;

export const MAPPING = `twin: press-07
hub: cloud
connection: { protocol: modbus-tcp, host: 10.20.0.17, unit: 3 }
points:
  oilTemperature: { address: { input: 12 }, type: int16 }
`;

/** A configuration in a temporary directory; removed with `using`. */
export class TemporaryConfiguration {
  readonly directory: string;

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'configuration-'));
    for (const [name, content] of Object.entries({ 'gateway.yaml': GATEWAY, 'mappings/press.yaml': MAPPING, ...files })) {
      this.write(name, content);
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content, { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
