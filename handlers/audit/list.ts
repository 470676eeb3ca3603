import type { Context } from '../../lib/agent/context.js';
import type { AuditFilter, AuditRecord } from '../../lib/model/audit.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { cursorOf, numbersIn } from '../pages.js';

export interface AuditListQuery extends AuditFilter {
  /** The most entries to return. */
  limit: number;
  /** Where the previous page ended. */
  cursor?: string;
}

/** Writes a time as the log does, whose times compare as texts. */
const utc = (time: string | undefined): string | undefined => time && new Date(time).toISOString();

const positionIn = (cursor: string) => {
  const [file = 0, offset = 0] = numbersIn(cursor, 2);
  return { file, offset };
};

/** Returns who changed what, newest first. A page may be short of entries although another one follows. */
export const listAudit = async (
  { query: { cursor, since, until, ...query } }: Event<unknown, AuditListQuery>,
  { audit }: Context,
): Promise<Reply<AuditRecord[]>> => {
  const { records, next } = await audit.read({
    ...query,
    ...{ since: utc(since), until: utc(until) },
    before: cursor === undefined ? undefined : positionIn(cursor),
  });
  return {
    ...{ status: 200, body: records },
    ...(next ? { next: cursorOf(next.file, next.offset) } : {}),
  };
};
