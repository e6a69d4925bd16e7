import { Writable } from 'node:stream';
import { type AdjustableLog, createLog } from '../../src/runtime/log.ts';

/** The real log at its most talkative, its lines kept. */
export class RecordedLog {
  text = '';
  readonly log: AdjustableLog;

  constructor() {
    const destination = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.text += chunk.toString();
        done();
      },
    });
    this.log = createLog({ level: 'debug', format: 'json', destination });
  }

  /** The lines of one event, with their fields. */
  events(event: string): readonly Record<string, unknown>[] {
    const lines = this.text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === event);
  }
}
