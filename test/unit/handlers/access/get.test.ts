import test from 'ava';
import { getAccess } from '../../../../handlers/access/get.js';
import { type Grant, grantsOfScope } from '../../../../lib/model/rights.js';
import { event, startTestAgent } from '../../../helpers/agent.js';

test('returns the name of the client and what it may do', async (t) => {
  const { context } = await startTestAgent(t);
  const quota = { used: { guests: 0, memory: 0, cpu: 0, disk: 0 }, limits: {} };
  const of = async (grants: Grant[]) =>
    (await getAccess({ ...event(), principal: { name: 'ci', grants, owner: 'ci' } }, context)).body;
  const reads = grantsOfScope('read');
  t.deepEqual(await of(reads), { name: 'ci', scope: 'read', grants: reads, owner: 'ci', quota });
  const some = grantsOfScope('operate', { tags: ['web'] });
  t.deepEqual(await of(some), { name: 'ci', grants: some, owner: 'ci', quota });
});
