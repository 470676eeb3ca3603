import { deleteGuest } from '../handlers/guests/delete.js';
import { powerOffGuest } from '../handlers/guests/poweroff.js';
import { rebootGuest } from '../handlers/guests/reboot.js';
import { restartGuest } from '../handlers/guests/restart.js';
import { resumeGuest } from '../handlers/guests/resume.js';
import { saveGuest } from '../handlers/guests/save.js';
import { shutdownGuest } from '../handlers/guests/shutdown.js';
import { startGuest } from '../handlers/guests/start.js';
import { suspendGuest } from '../handlers/guests/suspend.js';
import { upgradeMachine } from '../handlers/guests/upgrade-machine.js';
import type { Context } from '../lib/agent/context.js';
import type { GuestAction } from '../lib/model/actions.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { bootQuery, jobQuery, powerQuery, upgradeQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

interface ActionRoute {
  handler: typeof startGuest;
  operationIds: { POST: string; GET: string };
  summary: string;
  /** The right that it needs. */
  can: 'power' | 'change';
  /** Whether it takes `timeout` and `force`. */
  asksGuest?: boolean;
  /** Whether it takes `boot`, too. */
  boots?: boolean;
}

const METHODS = ['POST', 'GET'] as const;

const actions: Record<GuestAction, ActionRoute> = {
  shutdown: {
    handler: shutdownGuest,
    operationIds: { POST: 'shutdownGuest', GET: 'shutdownGuestByGet' },
    summary: 'Ask a guest to shut down',
    can: 'power',
    asksGuest: true,
  },
  reboot: {
    handler: rebootGuest,
    operationIds: { POST: 'rebootGuest', GET: 'rebootGuestByGet' },
    summary: 'Ask a guest to reboot',
    can: 'power',
    asksGuest: true,
  },
  restart: {
    handler: restartGuest,
    operationIds: { POST: 'restartGuest', GET: 'restartGuestByGet' },
    summary: 'Reset a guest, like a reset button',
    can: 'power',
    asksGuest: true,
    boots: true,
  },
  poweroff: {
    handler: powerOffGuest,
    operationIds: { POST: 'powerOffGuest', GET: 'powerOffGuestByGet' },
    summary: 'Cut the power of a guest',
    can: 'power',
  },
  start: {
    handler: startGuest,
    operationIds: { POST: 'startGuest', GET: 'startGuestByGet' },
    summary: 'Start a guest that is off, or resume a paused one',
    can: 'power',
    asksGuest: true,
    boots: true,
  },
  suspend: {
    handler: suspendGuest,
    operationIds: { POST: 'suspendGuest', GET: 'suspendGuestByGet' },
    summary: 'Pause a guest',
    can: 'power',
  },
  save: {
    handler: saveGuest,
    operationIds: { POST: 'saveGuest', GET: 'saveGuestByGet' },
    summary: 'Save the memory of a guest to disk and turn it off; its next start resumes it',
    can: 'power',
  },
  resume: {
    handler: resumeGuest,
    operationIds: { POST: 'resumeGuest', GET: 'resumeGuestByGet' },
    summary: 'Resume a paused guest',
    can: 'power',
  },
  delete: {
    handler: deleteGuest,
    operationIds: { POST: 'deleteGuestByPost', GET: 'deleteGuestByGet' },
    summary: 'Delete a guest and its disks',
    can: 'change',
  },
};

const accepted = {
  status: 202,
  description: 'The job was queued; the guest is as before the action',
  schema: replies.guest,
} as const;

const upgradeRoute = route({
  method: 'POST',
  path: '/guests/{guestID}/upgrade-machine',
  operationId: 'upgradeGuestMachine',
  summary: 'Move a guest on to newer virtual hardware, at its next start when it runs',
  can: 'change',
  tags: ['guest actions'],
  query: upgradeQuery,
  params: guestParams,
  conditional: true,
  payload: 'ignored',
  reply: accepted,
  handler: upgradeMachine,
});

const queryOf = ({ asksGuest, boots }: ActionRoute) => {
  if (boots) return bootQuery;
  return asksGuest ? powerQuery : jobQuery;
};

/** Serves each action by POST and, like the original agent, by GET. */
const namedRoutes: Route<Context>[] = Object.entries(actions).flatMap(([action, spec]) =>
  METHODS.map((method) =>
    route({
      method,
      path: `/guests/{guestID}/${action}`,
      operationId: spec.operationIds[method],
      summary: spec.summary,
      can: spec.can,
      tags: ['guest actions'],
      query: queryOf(spec),
      params: guestParams,
      conditional: true,
      ...(method === 'POST' ? { payload: 'ignored' } : {}),
      reply: accepted,
      handler: spec.handler,
    }),
  ),
);

export const guestActionRoutes: Route<Context>[] = [...namedRoutes, upgradeRoute];
