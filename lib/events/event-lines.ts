import { createReadStream } from 'node:fs';
import { readLines } from '../async/lines.js';
import { isErrno } from '../errors.js';
import type { EventBody, HostEvent } from '../model/event.js';

/** Precedes the first event of each file and of each run of the agent. */
interface Header {
  /** The id of the last event before it. */
  after: number;
}

/** An event on disk. */
interface EventRecord {
  id: number;
  time: string;
  happening: EventBody;
}

type Line = EventRecord | Header;

/** An event, and the id of the one before it. */
export interface EventStep {
  event: HostEvent;
  previousId: number;
}

/** Ids are microseconds since 1970, possibly a little ahead of the clock; one further ahead than this is damaged. */
const MAX_AHEAD_US = 24 * 60 * 60 * 1e6;

const isId = (id: unknown): boolean =>
  Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) <= Date.now() * 1000 + MAX_AHEAD_US;

/** Returns `undefined` for a damaged line, such as a failing disk leaves. */
const parse = (text: string): Line | undefined => {
  try {
    const line = JSON.parse(text) as Partial<EventRecord & Header> | null;
    return isId(line?.id ?? line?.after) ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Reads the events of a file; none when the file does not exist. Ids are consecutive within a run of the agent, so a
 * damaged line shows as a gap.
 */
export async function* readSteps(path: string): AsyncGenerator<EventStep> {
  let header: Header | undefined;
  try {
    for await (const text of readLines(createReadStream(path), Number.POSITIVE_INFINITY)) {
      const line = parse(text);
      if (line && 'id' in line) {
        const { id, time, happening: body } = line;
        yield { event: { id, time, body }, previousId: header?.after ?? id - 1 };
      }
      header = line && 'after' in line ? line : undefined;
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/**
 * Formats events as lines.
 * @param after the id of the event before them, when they begin a file or a run of the agent
 */
export const formatLines = (events: readonly HostEvent[], after: number | undefined): string => {
  const records = events.map(({ id, time, body }): EventRecord => ({ id, time, happening: body }));
  const lines: Line[] = after === undefined ? records : [{ after }, ...records];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
};
