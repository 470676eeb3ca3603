import type { Guest } from '../../client/index.js';
import { shortId } from '../../portable/format.js';
import type { Column } from '../columns.js';
import type { Session } from '../session.js';
import { guestsOf } from './existing.js';
import { SERVICE_KEY } from './pod.js';

const COLUMNS: readonly Column<Guest>[] = [
  { title: 'SERVICE', value: ({ metadata }) => metadata?.[SERVICE_KEY] },
  { title: 'GUEST', value: ({ id }) => shortId(id) },
  { title: 'NAME', value: ({ metadata }) => metadata?.name },
  { title: 'STATE', value: ({ state }) => state, state: true },
  { title: 'HEALTH', value: ({ program }) => program?.health },
  { title: 'IMAGE', value: ({ image }) => image },
];

/** Lists the guests of a project. */
export const ps = async ({ client, out }: Session, project: string): Promise<void> => {
  const guests = [...(await guestsOf(client, project)).values()];
  await out.list(guests, COLUMNS, { empty: `project ${project} has no guests` });
};
