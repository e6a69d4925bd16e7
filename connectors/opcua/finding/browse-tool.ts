import { GatewayError } from '../../../src/model/error.ts';
import type { ConnectionPlan } from '../../../src/model/plan.ts';
import type { BrowseTool } from '../../../src/southbound/browse-tool.ts';
import { connectionSchema, type OpcuaSettings } from '../mapping/settings.ts';
import { draftMapping } from './draft-mapping.ts';

/** The library is loaded by the walk only. */
export const browseTool: BrowseTool = {
  connectionOf,
  draftMapping,
  walk: async function* (options) {
    yield* (await import('./browse-session.ts')).browse(options);
  },
};

function connectionOf(url: string, { policy }: { readonly policy?: string }): ConnectionPlan<OpcuaSettings> {
  const security = policy === undefined ? {} : { security: { policy } };
  const parsed = connectionSchema.safeParse({ url, ...security });
  if (!parsed.success) throw new GatewayError('USAGE', url, parsed.error.issues.map(({ message }) => message).join('; '));
  return { name: url, protocol: 'opcua', endpoint: url, settings: parsed.data, devices: [] };
}
