import type { Command } from 'commander';
import { GatewayError } from '../model/error.ts';

export interface ConfigOption {
  readonly config?: string;
}

/** In every command that is about a whole configuration, it is named in either way: `check my-plant`, `check --config my-plant`. */
export function takesConfig(command: Command): Command {
  return command
    .argument('[path]', 'directory that holds gateway.yaml, or the file itself')
    .option('-c, --config <path>', 'the same (default: where you are)');
}

export function configPath(path: string | undefined, { config }: ConfigOption, otherwise = '.'): string {
  if (path !== undefined && config !== undefined && path !== config)
    throw new GatewayError('USAGE', path, `another configuration is named by \`--config ${config}\``);
  return path ?? config ?? otherwise;
}
