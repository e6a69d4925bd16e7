import type { ReadStream, WriteStream } from 'node:tty';

/** ECMA-48 and xterm: alternate screen, cursor off, and updates that are shown at once. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const BEGIN = '\x1b[?2026h\x1b[H';
const END = '\x1b[J\x1b[?2026l';

export interface TerminalScreen {
  readonly size: { readonly columns: number; readonly rows: number };
  readonly typed: string;
  /** Replaces the whole screen. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back as it was. Idempotent; also done when the process ends in another way. */
  leave(): void;
}

export interface ScreenHandlers {
  readonly onLine: (line: string) => void;
  /** Ctrl-C or Ctrl-D. */
  readonly onEnd: () => void;
  /** Something was typed, or the window has another size. */
  readonly onChange: () => void;
}

export function openTerminalScreen(input: ReadStream, output: WriteStream, handlers: ScreenHandlers): TerminalScreen {
  let typed = '';
  let isOpen = true;
  const onKeys = (keys: string): void => {
    for (const key of splitKeys(keys)) {
      if (key === '\x03' || key === '\x04') handlers.onEnd();
      else if (key === '\r' || key === '\n') {
        const line = typed;
        typed = '';
        handlers.onLine(line);
      } else if (key === '\x7f' || key === '\b') typed = [...typed].slice(0, -1).join('');
      else if (!/^\p{Cc}/u.test(key)) typed += key;
    }
    handlers.onChange();
  };
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    input.off('data', onKeys);
    output.off('resize', handlers.onChange);
    process.off('exit', leave);
    input.setRawMode(false);
    input.pause();
    output.write(LEAVE);
  };
  input.setRawMode(true);
  input.setEncoding('utf8');
  input.on('data', onKeys);
  output.on('resize', handlers.onChange);
  process.on('exit', leave);
  output.write(ENTER);
  return {
    get size() {
      return { columns: output.columns, rows: output.rows };
    },
    get typed() {
      return typed;
    },
    draw: (lines) => {
      if (isOpen) output.write(`${BEGIN}${lines.map((line) => `${paint(line)}\x1b[K`).join('\r\n')}${END}`);
    },
    leave,
  };
}

/** One key each; arrow and function keys stay whole, so that none of their letters is taken for typed text. */
function splitKeys(keys: string): readonly string[] {
  return keys.match(KEY) ?? [];
}

const ESCAPE = String.fromCharCode(27);
const KEY = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|O.)?|.`, 'gsu');

const COLOURS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:bad|waiting|down|stopped|degraded|LINK_\w+|HUB_\w+|DEVICE_\w+)\b/g, '31'],
  [/\b(?:unc\.|opening)/g, '33'],
  [/\b(?:good|up|ok)\b/g, '32'],
];

function paint(line: string): string {
  if (process.env.NO_COLOR !== undefined) return line;
  return COLOURS.reduce((text, [words, colour]) => text.replace(words, (word) => `\x1b[${colour}m${word}\x1b[39m`), line);
}
