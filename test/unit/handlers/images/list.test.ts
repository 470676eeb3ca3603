import test from 'ava';
import { listContainerImages } from '../../../../handlers/container-images/list.js';
import { listImages } from '../../../../handlers/images/list.js';
import { event, startTestAgent } from '../../../helpers/agent.js';

for (const [type, types] of [
  [undefined, ['kvm', 'container']],
  ['kvm', ['kvm']],
  ['container', ['container']],
] as const)
  test(`lists the images of ${types.join(' and ')} for type ${type}`, async (t) => {
    const { context } = await startTestAgent(t);
    const { body } = await listImages(event({ query: type ? { type } : {} }), context);
    t.deepEqual(
      body.map((image) => image.type),
      [...types],
    );
  });

test('lists container images alone under their own path', async (t) => {
  const { context } = await startTestAgent(t);
  const { body } = await listContainerImages(event({}), context);
  t.deepEqual(body, [{ id: 'container-image', type: 'container', size: 64 }]);
});

test('pages through two images that share an id', async (t) => {
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.listImages': () => ({ images: [{ id: 'same', type: 'kvm', size: 1 }] }),
      'Test.containerListImages': () => ({ images: [{ id: 'same', type: 'container', size: 1 }] }),
    },
  });
  const first = await listImages(event({ query: { limit: 1 } }), context);
  const second = await listImages(event({ query: { limit: 1, cursor: first.next ?? '' } }), context);
  t.deepEqual(
    [...first.body, ...second.body].map(({ type }) => type),
    ['container', 'kvm'],
  );
});
