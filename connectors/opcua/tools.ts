import type { ConnectorTools } from '../../src/southbound/tools.ts';
import { browseTool } from './finding/browse-tool.ts';
import { trustTool } from './finding/trust-tool.ts';

/** The library is loaded by what needs it: the trust list does without. */
export const tools: ConnectorTools = {
  trust: trustTool,
  browse: browseTool,
  scan: async function* (request) {
    yield* (await import('./finding/scan.ts')).scan(request);
  },
};
