import test from 'ava';
import { getMetadata } from '../../../../handlers/metadata/get.js';
import { patchMetadata } from '../../../../handlers/metadata/patch.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('sets and removes keys of the hypervisor', async (t) => {
  const { context } = await startTestAgent(t);
  await patchMetadata(event({ payload: { rack: 'r1', zone: 'a' } }), context);
  const { status, body } = await patchMetadata(event({ payload: { zone: null } }), context);
  t.is(status, 200);
  t.deepEqual(body, { rack: 'r1' });
  t.deepEqual((await getMetadata(event(), context)).body, { rack: 'r1' });
});

test('a dry run replies with the result and changes nothing', async (t) => {
  const { context } = await startTestAgent(t);
  const patch = event({ query: { dryRun: true }, payload: { rack: 'r1' } });
  t.deepEqual((await patchMetadata(patch, context)).body, { rack: 'r1' });
  t.deepEqual(context.metadata.all(), {});
});

for (const dryRun of [false, true])
  test(`rejects with 412 metadata that has changed, dryRun ${dryRun}`, async (t) => {
    const { context } = await startTestAgent(t);
    const patch = event({ query: { dryRun }, payload: { rack: 'r1' }, ifMatch: '"stale"' });
    t.is((await rejection(t, patchMetadata(patch, context))).code, 412);
    t.deepEqual(context.metadata.all(), {});
  });

test('rejects with 400 metadata that would be too large', async (t) => {
  const { context } = await startTestAgent(t);
  const call = patchMetadata(event({ payload: { note: 'x'.repeat(300_000) } }), context);
  t.is((await rejection(t, call)).code, 400);
});
