import { fdatasyncSync, openSync, writeSync } from 'node:fs';
import { SinkBroker, type SinkPublish } from '../sink-broker.ts';

/**
 * A broker in a process of its own, so that it can be killed and frozen. Whatever it acknowledges is on disk before, a line each:
 * what the file does not hold was never acknowledged. Settings: `{ file, port }`, port 0 for any; tells `{ port }` when it listens.
 */
const { file, port } = JSON.parse(process.argv[2] ?? '{}') as { file: string; port: number };
const COMMIT_EVERY_MS = 30;
const record = openSync(file, 'a');
// The last line may be torn by a kill.
writeSync(record, '\n');
let isDirty = false;

const write = ({ topic, payload }: SinkPublish): 'later' => {
  writeSync(record, `${JSON.stringify({ topic, payload: payload.toString() })}\n`);
  isDirty = true;
  return 'later';
};

const broker = await SinkBroker.start({ answer: write, isJealous: true }, port);
setInterval(() => {
  if (!isDirty) return;
  fdatasyncSync(record);
  isDirty = false;
  broker.release();
}, COMMIT_EVERY_MS);
process.send?.({ port: broker.port });
