import type { Row } from './row.ts';

const HEADINGS = ['name', 'ours', 'limit', 'ratio', 'spread', 'runs'] as const;

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** The rows as an aligned table, with what is to be known of each below. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const aligned = lines.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const notes = rows.map(({ name, note }) => `${name}: ${note}`);
  return [...aligned.slice(0, 1), rule, ...aligned.slice(1), '', ...notes].join('\n');
}

function cells({ name, unit, ours, limit, ratio, spread, runs }: Row): readonly string[] {
  const percent = `±${(100 * spread).toFixed(0)} %`;
  return [name, `${number.format(ours)} ${unit}`, `${number.format(limit)} ${unit}`, ratio.toFixed(2), percent, String(runs)];
}

/** Names to the left, numbers to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
