import type { HubPlan } from '../../../model/plan.ts';
import { toLimits } from '../../delivery-limits.ts';
import type { Dialect, DialectContext } from '../../dialect.ts';
import { wireSettings } from '../mqtt/wire-settings.ts';
import { SparkplugConversation } from './conversation.ts';
import { EdgeNode } from './edge-node.ts';
import { identify } from './identify.ts';
import { checkNames } from './names.ts';
import { deathPacket, NodeLife } from './node-life.ts';
import type { SparkplugSettings } from './settings.ts';

/** Throws CONFIG_INVALID where a twin has a name that no topic can hold. */
export function createSparkplugDialect(plan: HubPlan, context: DialectContext): Dialect {
  const settings = plan.settings as SparkplugSettings;
  const node = new EdgeNode(plan.name, settings, context);
  checkNames(plan.name, node.devices, context.log);
  const wire = { ...wireSettings(settings, context.gateway), willAtClose: true };
  return {
    wire,
    limits: toLimits(settings.limits),
    // Of a node of its own, so that nothing of the one that is connected changes.
    encode: (stored, sentTimeMs) =>
      new NodeLife(new EdgeNode(plan.name, settings, context), 0, () => sentTimeMs).message(stored).slice(-1),
    async prepare({ endpoint }) {
      const will = deathPacket(node, await node.births.next(), context.clock.nowMs());
      return { endpoint, settings: { ...wire, will } };
    },
    messageTopics: () => [
      node.topics.node('NDATA'),
      ...(['DDATA', 'DDEATH'] as const).map((verb) => node.topics.device(verb, '+')),
    ],
    identify,
    converse: (line) => new SparkplugConversation(node, line),
  };
}
