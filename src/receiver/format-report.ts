import { countMissing, type DeliveryReport, type GapSum, type StreamReport } from './delivery-book.ts';
import { countOf, formatRanges } from './number-ranges.ts';
import { isUnmeasured } from './unmeasured.ts';

/** The proof for people: what is against the promise, stream by stream, then the sums and the verdict in one line. */
export function formatReport(report: DeliveryReport): string {
  return [...report.streams.flatMap(describeStream), verdict(report), ''].join('\n');
}

function describeStream(stream: StreamReport): readonly string[] {
  const { gateway, twin, class: urgency, epoch, first, last, messages, readings, declared, undeclared } = stream;
  const { duplicates, overtaken, behindLive, doubted, gaps } = stream;
  const missing = declared.length === 0 ? '' : `, ${countOf(declared)} missing and declared (${shorten(formatRanges(declared))})`;
  const again = duplicates === 0 ? '' : `, ${duplicates} twice`;
  const history = behindLive === 0 ? '' : `, ${behindLive} as history behind newer ones`;
  const late = `${history}${overtaken === 0 ? '' : `, ${overtaken} overtaken`}`;
  const clock = doubted === 0 ? '' : `, ${doubted} with a time that was not known`;
  return [
    `${gateway}/${twin} ${urgency} epoch ${epoch}: ${first} to ${last}, ${messages} messages, ${readings} readings${again}${late}${clock}${missing}`,
    ...Object.entries(gaps).map(describeGaps),
    ...(undeclared.length === 0
      ? []
      : [`  NOT DECLARED: ${shorten(formatRanges(undeclared))} did not come, and no gap record says why`]),
    ...stream.faults.map((fault) => `  AGAINST THE RULES: ${fault}`),
  ];
}

/** What was lost on the way, and what never was. */
function describeGaps([reason, { records, messages, readings, durationMs }]: readonly [string, GapSum]): string {
  if (!isUnmeasured(reason)) return `  lost, ${reason}: ${records} records, ${messages} messages, ${readings} readings`;
  const known = readings === 0 ? 'an unknown number of readings' : `${readings} readings`;
  return `  not measured, ${reason}: ${records} records, ${known}, ${(durationMs / 1_000).toFixed(1)} s`;
}

function verdict(report: DeliveryReport): string {
  const { streams, isComplete } = report;
  const sum = (pick: (stream: StreamReport) => number) => streams.reduce((total, stream) => total + pick(stream), 0);
  const missing = countMissing(report);
  const unmeasured = sum(({ gaps }) => unmeasuredIn(gaps));
  const word = streams.length === 0 ? 'nothing came' : isComplete ? 'complete' : 'NOT COMPLETE';
  return (
    `${word}: ${sum(({ messages }) => messages)} messages, ${sum(({ readings }) => readings)} readings of ` +
    `${new Set(streams.map(({ twin }) => twin)).size} twins, ${sum(({ duplicates }) => duplicates)} twice, ` +
    `${missing.declared} missing and declared, ${missing.undeclared} missing and not declared` +
    (unmeasured === 0 ? '' : `; ${unmeasured} readings could not be measured`)
  );
}

function unmeasuredIn(gaps: StreamReport['gaps']): number {
  return Object.entries(gaps).reduce((total, [reason, { readings }]) => total + (isUnmeasured(reason) ? readings : 0), 0);
}

const MAX_TEXT = 200;

function shorten(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)} …`;
}
