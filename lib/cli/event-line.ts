import type { AgentEvent } from '../client/index.js';
import type { Colours } from './colours.js';
import { formatValue } from './format.js';

interface EventData {
  time?: string;
  change?: string;
  id?: string;
  percent?: number;
  reason?: string;
  guest?: { state?: string };
  job?: { Action: string; GuestID: string; Status: string; Message: string };
}

const detailsOf = ({ guest, job, percent, reason }: EventData): (string | undefined)[] => {
  if (job) {
    const { Action, GuestID, Status, Message } = job;
    return [Action, GuestID, Status, percent === undefined ? undefined : `${percent}%`, Message];
  }
  return [guest?.state, reason];
};

/** An event on one line, for people: when, what, and how it is now. */
export const eventLine = ({ event, data }: AgentEvent, colours: Colours): string => {
  const { time, change, id, ...rest } = data as EventData;
  if (change === undefined) return `${colours.bold(event)} ${formatValue(data).replaceAll('\n', ' ')}`;
  const clock = time ? new Date(time).toLocaleTimeString('en-GB') : '';
  const words = [clock, colours.bold(`${event} ${change}`), id, ...detailsOf(rest)];
  return words.filter(Boolean).join(' ');
};
