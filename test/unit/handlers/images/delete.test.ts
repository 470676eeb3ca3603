import test from 'ava';
import { deleteImage } from '../../../../handlers/images/delete.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

const params = { imageID: 'debian-12' };

test('queues the deletion and replies with an empty object', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const reply = await deleteImage(event({ params }), context);
  t.like(reply, { status: 202, body: {} });
  t.is((await finished(context, jobIdOf(reply))).Status, 'Complete');
  t.like(scripted.requests('Test.deleteImage')[0], { id: 'debian-12' });
});

test('rejects with 409 an image that a guest uses, naming the guest', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { image: 'debian-12' });
  t.like(await rejection(t, deleteImage(event({ params }), context)), {
    code: 409,
    message: `image debian-12 is in use: delete these guests first: ${id}`,
  });
});

test('rejects an unknown image with 404', async (t) => {
  const { context } = await startTestAgent(t, {
    methods: { 'Test.getImage': () => ({ images: [] }), 'Test.containerGetImage': () => ({ images: [] }) },
  });
  t.is((await rejection(t, deleteImage(event({ params }), context))).code, 404);
});
