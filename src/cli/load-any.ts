import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Loaded, loadConfiguration, loadMapping } from '../config/load.ts';
import { declarations } from '../gateway/plug-ins.ts';

/** A whole configuration by its gateway.yaml or the directory of it, or a single mapping. */
export async function loadAny(path: string): Promise<Loaded> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const isGateway = isDirectory || basename(path) === 'gateway.yaml';
  return isGateway ? loadConfiguration(path, declarations) : loadMapping(path, declarations);
}
