import { createReadStream } from 'node:fs';
import { linesOf } from '../async/lines.js';
import { isErrno } from '../errors.js';
import type { HostEvent } from '../model/event.js';

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

/** Ids are microseconds, or were a little ahead of them: what is further ahead than clocks are is damaged. */
const MAX_AHEAD_US = 24 * 60 * 60 * 1e6;

const isId = (id: unknown): boolean =>
  Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) <= Date.now() * 1000 + MAX_AHEAD_US;

/** Undefined when it is damaged, as a failing disk leaves it. */
const parse = (text: string): Line | undefined => {
  try {
    const line = JSON.parse(text) as Partial<HostEvent & Header> | null;
    return isId(line?.id ?? line?.after) ? (line as Line) : undefined;
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
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** @param after the id of the event before them, when they begin a file or a run */
export const linesFor = (events: readonly HostEvent[], after: number | undefined): string => {
  const lines: Line[] = [...(after === undefined ? [] : [{ after }]), ...events];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
};
