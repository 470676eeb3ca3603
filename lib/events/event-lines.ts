import { createReadStream } from 'node:fs';
import { linesOf } from '../rpc/lines.js';
import type { HostEvent } from './event.js';

/** What comes before the first event of a file, and of each run of the agent: the id of the event before that one. */
interface Header {
  after: number;
}

type Line = HostEvent | Header;

/** An event, and the id of the one before it. */
export interface Step {
  event: HostEvent;
  follows: number;
}

/** Undefined when it is damaged, as a failing disk leaves it. */
const parse = (text: string): Line | undefined => {
  try {
    const line: unknown = JSON.parse(text);
    const isLine = typeof line === 'object' && line !== null && ('id' in line || 'after' in line);
    return isLine ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
};

/** The events of a file, none when it is not there. Ids are consecutive in a run: what is damaged shows as a gap. */
export async function* stepsIn(path: string): AsyncGenerator<Step> {
  let header: Header | undefined;
  try {
    for await (const text of linesOf(createReadStream(path), Number.POSITIVE_INFINITY)) {
      const line = parse(text);
      if (line && 'id' in line) yield { event: line, follows: header?.after ?? line.id - 1 };
      header = line && 'after' in line ? line : undefined;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** @param after the id of the event before them, when they begin a file or a run */
export const linesFor = (events: readonly HostEvent[], after: number | undefined): string => {
  const lines: Line[] = [...(after === undefined ? [] : [{ after }]), ...events];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
};
