import { AgentError, invalid } from '../../errors.js';
import { isContainer } from '../../model/guest.js';
import type { Schedule } from '../../model/schedule.js';
import { requireUsable } from '../../model/schedule-patch.js';
import type { ScheduleStore } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';
import { workOf } from './work.js';

/**
 * Checks a new or changed schedule against what the host has.
 * @param before the schedule before the change: a guest that was deleted since then may stay
 * @throws {AgentError} `invalid`; `conflict` when another schedule has the name; `not_found` when the config lacks the action
 */
export const requireValid = (
  runtime: Runtime,
  store: ScheduleStore,
  schedule: Schedule,
  before?: Schedule,
): void => {
  requireUsable(schedule);
  for (const id of schedule.guests.ids ?? []) {
    const guest = runtime.guests.find(id);
    if (!guest && !before?.guests.ids?.includes(id))
      throw invalid(`"guests.ids" names guest ${id}, which does not exist`);
    if (guest && isContainer(guest))
      throw invalid(
        `"guests.ids" names guest ${id}, a container: schedules are for virtual machines, whose disks the storage has`,
      );
  }
  const namesake = store
    .list()
    .find(({ schedule: { id, name } }) => name === schedule.name && id !== schedule.id);
  if (namesake)
    throw new AgentError(
      'conflict',
      `schedule ${namesake.schedule.id} has the name "${schedule.name}": choose another, or rename that schedule`,
    );
  runtime.action(workOf(schedule).action);
};
