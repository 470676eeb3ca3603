import { deleteGuest } from '../handlers/guests/delete.js';
import { powerOffGuest } from '../handlers/guests/poweroff.js';
import { rebootGuest } from '../handlers/guests/reboot.js';
import { restartGuest } from '../handlers/guests/restart.js';
import { resumeGuest } from '../handlers/guests/resume.js';
import { shutdownGuest } from '../handlers/guests/shutdown.js';
import { startGuest } from '../handlers/guests/start.js';
import { suspendGuest } from '../handlers/guests/suspend.js';
import type { GuestAction } from '../lib/model/actions.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams, jobQuery, replies } from './schemas.js';

const actions: Record<GuestAction, { handler: typeof startGuest; summary: string }> = {
  shutdown: { handler: shutdownGuest, summary: 'Ask a guest to shut itself down' },
  reboot: { handler: rebootGuest, summary: 'Ask a guest to reboot' },
  restart: { handler: restartGuest, summary: 'Reset a guest, as a reset button does' },
  poweroff: { handler: powerOffGuest, summary: "Cut a guest's power" },
  start: { handler: startGuest, summary: 'Start a guest that is off, or resume a paused one' },
  suspend: { handler: suspendGuest, summary: 'Pause a guest' },
  resume: { handler: resumeGuest, summary: 'Resume a paused guest' },
  delete: { handler: deleteGuest, summary: 'Delete a guest and its disks' },
};

/** Each action by POST, and by GET as the original had it. */
export const guestActionRoutes: Route[] = Object.entries(actions).flatMap(([name, { handler, summary }]) =>
  (['POST', 'GET'] as const).map((method) =>
    route({
      method,
      path: `/guests/{guestID}/${name}`,
      summary,
      tags: ['guest actions'],
      query: jobQuery,
      params: guestParams,
      conditional: true,
      ...(method === 'POST' ? { payload: 'ignored' } : {}),
      reply: {
        status: 202,
        description: 'The job was queued; the guest as it is before it',
        schema: replies.guest,
      },
      handler,
    }),
  ),
);
