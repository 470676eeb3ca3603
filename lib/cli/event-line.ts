import type { AgentEvent, Guest, GuestRun, Job, Schedule } from '../client/index.js';
import { shortId } from '../portable/format.js';
import { otherTarget } from '../portable/job-target.js';
import type { Colours } from './colours.js';
import { nameOf } from './names.js';
import { escapeControls, formatValue } from './printable.js';

interface EventData {
  time?: string;
  change?: string;
  id?: string;
  percent?: number;
  reason?: string;
  /** In the event of a backup, the ID of its guest. */
  guest?: Pick<Guest, 'state' | 'reason' | 'metadata' | 'warnings' | 'program'> | string;
  job?: Pick<Job, 'Action' | 'GuestID' | 'Status' | 'Message' | 'ImageID' | 'BackupID' | 'VolumeID'>;
  schedule?: Pick<Schedule, 'name'>;
  run?: Pick<GuestRun, 'guest' | 'outcome' | 'message'>;
  skipped?: { guest?: string; reason: string };
}

type FormatId = (id: string) => string;

const detailsOf = (
  { change, guest, job, percent, reason, schedule, run, skipped }: EventData,
  formatId: FormatId,
): (string | undefined)[] => {
  if (job) {
    const { Action, GuestID, Status, Message, BackupID } = job;
    const status = Status.toLowerCase() === change ? undefined : Status;
    return [
      Action,
      otherTarget(job) ?? formatId(GuestID),
      BackupID && `backup ${shortId(BackupID)}`,
      status,
      percent === undefined ? undefined : `${percent}%`,
      Message,
    ];
  }
  if (typeof guest === 'string') return [`of guest ${formatId(guest)}`];
  if (schedule) {
    const { guest: target, outcome, message } = run ?? { guest: skipped?.guest };
    return [schedule.name, target && formatId(target), outcome, message ?? skipped?.reason];
  }
  const warnings = guest?.warnings?.map((warning) => `warning: ${warning}`) ?? [];
  return [guest?.state, guest?.reason && `(${guest.reason})`, guest?.program?.health, ...warnings, reason];
};

/**
 * Formats an event on one line, for people.
 * @param names the names of guests by ID; updated from guest events
 */
export const eventLine = (
  { event, data }: AgentEvent,
  names: Map<string, string>,
  colours: Colours,
): string => {
  const { time, change, id, ...rest } = data as EventData;
  if (change === undefined) {
    const text = formatValue(data).replaceAll('\n', ' ');
    return `${colours.bold(escapeControls(event))} ${text}`;
  }
  const guest = typeof rest.guest === 'object' ? rest.guest : undefined;
  const name = guest && nameOf(guest);
  if (id !== undefined && guest) {
    if (name === undefined) names.delete(id);
    else names.set(id, name);
  }
  const formatId: FormatId = (known) => [shortId(known), names.get(known)].filter(Boolean).join(' ');
  const clock = time ? new Date(time).toLocaleTimeString('en-GB') : '';
  const words = [id && formatId(id), ...detailsOf({ change, ...rest }, formatId)].filter(Boolean).join(' ');
  return [clock, colours.bold(escapeControls(`${event} ${change}`)), escapeControls(words)]
    .filter(Boolean)
    .join(' ');
};
