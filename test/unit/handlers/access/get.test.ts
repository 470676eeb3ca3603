import test from 'ava';
import { getAccess } from '../../../../handlers/access/get.js';
import { event } from '../../../helpers/agent.js';

test('returns the name and the scope of the client', async (t) => {
  const principal = { name: 'ci', scope: 'read' } as const;
  t.deepEqual((await getAccess({ ...event(), principal })).body, principal);
});
