import { parseArgs } from 'node:util';
import type { Bench } from './harness/bench.ts';
import { FULL, QUICK } from './harness/effort.ts';
import type { Row } from './harness/row.ts';
import { formatTable } from './harness/table.ts';

/** Every bench by the name it is chosen by. To add one: its file, its line here. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  'modbus-tcp': async () => (await import('./modbus-tcp.ts')).modbusTcp,
  'modbus-rtu': async () => (await import('./modbus-rtu.ts')).modbusRtu,
  opcua: async () => (await import('./opcua.ts')).opcua,
  spool: async () => (await import('./spool.ts')).spool,
  'end-to-end': async () => (await import('./end-to-end.ts')).endToEnd,
  drain: async () => (await import('./drain.ts')).drain,
  memory: async () => (await import('./memory.ts')).memory,
  flash: async () => (await import('./flash.ts')).flash,
  gateway: async () => (await import('./gateway.ts')).gateway,
  'slow-disk': async () => (await import('./slow-disk.ts')).slowDisk,
  command: async () => (await import('./command.ts')).command,
  seven: async () => (await import('./seven.ts')).seven,
};

const WRONG_USAGE = 64;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true });
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0)
    throw new RangeError(`no bench is named ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  const effort = values.quick === true ? QUICK : FULL;
  const rows: Row[] = [];
  for (const [name, load] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    const bench = await load();
    rows.push(...(await bench(effort)));
  }
  console.log(formatTable(rows));
  if (effort.isQuick) console.log('\nA smoke run: the figures mean nothing.');
}

await main().catch((error: unknown) => {
  const isUsage = error instanceof RangeError || (error instanceof TypeError && 'code' in error);
  console.error(isUsage ? error.message : error);
  // What the bench had open would hold the process.
  process.exit(isUsage ? WRONG_USAGE : 1);
});
