import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { GatewayStatus } from '../model/status.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { DEMO_HELP, DEMO_HINT } from './demo-input.ts';
import { formatAge, renderLiveView } from './live-view.ts';
import { openTerminalScreen } from './terminal-screen.ts';

export interface DemoDisplay {
  /** Where the gateway's log goes. */
  readonly log: Log;
  /** One line for the person. */
  tell(line: string): void;
  /** From now on what `status` gives is shown. */
  show(status: () => GatewayStatus): void;
  /** Idempotent. */
  leave(): void;
}

export interface DemoDisplayOptions {
  readonly output: NodeJS.WriteStream;
  readonly onLine: (line: string) => void;
  readonly onEnd: () => void;
}

const REDRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 5_000;
const KEPT_EVENTS = 50;

/** One live view where a person looks and types; else plain lines. */
export function openDemoDisplay(options: DemoDisplayOptions): DemoDisplay {
  const isTerminal = options.output.isTTY && process.stdin.isTTY;
  return isTerminal ? openLiveDisplay(options.output, options) : openPlainDisplay(options);
}

function openLiveDisplay(output: WriteStream, { onLine, onEnd }: DemoDisplayOptions): DemoDisplay {
  const events: string[] = [...DEMO_HELP];
  let status: (() => GatewayStatus) | undefined;
  const draw = (): void => {
    if (status !== undefined)
      screen.draw(renderLiveView(status(), screen.size, { events, hint: DEMO_HINT, prompt: screen.typed }));
  };
  const tell = (line: string): void => {
    events.push(line);
    events.splice(0, Math.max(0, events.length - KEPT_EVENTS));
    draw();
  };
  const screen = openTerminalScreen(process.stdin, output, { onLine, onEnd, onChange: draw });
  const timer = setInterval(draw, REDRAW_EVERY_MS);
  return {
    log: createLog({ level: 'info', format: 'text', destination: linesTo(tell) }),
    tell,
    show: (given) => {
      status = given;
      draw();
    },
    leave: () => {
      clearInterval(timer);
      screen.leave();
    },
  };
}

/** For pipes and files; commands are read from standard input there as well. */
function openPlainDisplay({ output, onLine }: DemoDisplayOptions): DemoDisplay {
  const tell = (line: string): void => void output.write(`${line}\n`);
  const input = createInterface({ input: process.stdin });
  input.on('line', onLine);
  let timer: NodeJS.Timeout | undefined;
  return {
    log: createLog({ level: 'info', format: 'text', destination: linesTo(tell) }),
    tell,
    show: (status) => {
      tell(`type (or pipe in): ${DEMO_HINT}`);
      timer = setInterval(() => tell(statusLine(status())), LINE_EVERY_MS);
    },
    leave: () => {
      clearInterval(timer);
      input.close();
      process.stdin.unref?.();
    },
  };
}

function statusLine({ connections, hubs, startedTimeMs, nowMs }: GatewayStatus): string {
  const devices = connections.flatMap((connection) => connection.devices);
  const readings = devices.reduce((sum, device) => sum + device.readings, 0);
  const states = devices.map(({ twin, state }) => `${twin} ${state}`).join(', ');
  const sent = hubs.map(({ name, link, counters, waitingMessages }) => {
    return `${name} ${link.state}: ${counters.acknowledged_messages ?? 0} messages acknowledged, ${waitingMessages} in the spool`;
  });
  return `${formatAge(nowMs - startedTimeMs).padStart(5)}  ${readings} readings; ${states}; ${sent.join('; ')}`;
}

function linesTo(tell: (line: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) if (line !== '') tell(line);
      done();
    },
  });
}
