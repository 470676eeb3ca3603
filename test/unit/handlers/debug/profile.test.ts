import test from 'ava';
import { getProfile } from '../../../../handlers/debug/profile.js';
import { callerGone } from '../../../../lib/errors.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('rejects an unknown profile with 404 and the known ones', async (t) => {
  const { context } = await startTestAgent(t);
  const call = getProfile(event({ params: { profile: 'goroutine' }, query: { seconds: 1 } }), context);
  t.like(await rejection(t, call), {
    code: 404,
    message: 'profile goroutine: not found; choose from profile, heap',
  });
});

test.serial('replies with a gzipped heap profile to download', async (t) => {
  const { context } = await startTestAgent(t);
  const { headers, body } = await getProfile(
    event({ params: { profile: 'heap' }, query: { seconds: 0.01 } }),
    context,
  );
  t.is(headers?.['Content-Disposition'], 'attachment; filename="heap.pb.gz"');
  t.deepEqual([...body.subarray(0, 2)], [0x1f, 0x8b]);
});

test.serial('ends the profile of a client that has left', async (t) => {
  const { context } = await startTestAgent(t);
  const take = (signal: AbortSignal, seconds: number) =>
    getProfile(event({ params: { profile: 'heap' }, query: { seconds }, signal }), context);
  await t.throwsAsync(take(AbortSignal.abort(callerGone()), 60), { message: 'the client disconnected' });
  await t.notThrowsAsync(take(new AbortController().signal, 0.01));
});
