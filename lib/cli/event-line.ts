import type { AgentEvent, Guest } from '../client/index.js';
import { formatValue, shortId, visible } from '../portable/format.js';
import type { Colours } from './colours.js';
import { nameOf } from './names.js';

interface EventData {
  time?: string;
  change?: string;
  id?: string;
  percent?: number;
  reason?: string;
  guest?: Pick<Guest, 'state' | 'metadata'>;
  job?: { Action: string; GuestID: string; Status: string; Message: string };
}

type Say = (id: string) => string;

const detailsOf = ({ guest, job, percent, reason }: EventData, say: Say): (string | undefined)[] => {
  if (job) {
    const { Action, GuestID, Status, Message } = job;
    return [Action, say(GuestID), Status, percent === undefined ? undefined : `${percent}%`, Message];
  }
  return [guest?.state, reason];
};

/**
 * An event on one line, for people: when, what, and how it is now.
 * @param names of guests, by their ids; what the event tells of them is noted in it
 */
export const eventLine = (
  { event, data }: AgentEvent,
  names: Map<string, string>,
  colours: Colours,
): string => {
  const { time, change, id, ...rest } = data as EventData;
  if (change === undefined) {
    const text = formatValue(data).replaceAll('\n', ' ');
    return `${colours.bold(visible(event))} ${text}`;
  }
  const name = rest.guest && nameOf(rest.guest);
  if (id !== undefined && rest.guest) {
    if (name === undefined) names.delete(id);
    else names.set(id, name);
  }
  const say: Say = (known) => [shortId(known), names.get(known)].filter(Boolean).join(' ');
  const clock = time ? new Date(time).toLocaleTimeString('en-GB') : '';
  const words = [id && say(id), ...detailsOf(rest, say)].filter(Boolean).join(' ');
  return [clock, colours.bold(visible(`${event} ${change}`)), visible(words)].filter(Boolean).join(' ');
};
