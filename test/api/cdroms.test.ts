import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

test('passes the image and the drive of a change to the stages', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running' });
  await call('PATCH', `/guests/${id}/cdroms/cd0?wait=30&force=true`, { image: 'netinst' });
  await call('PATCH', `/guests/${id}/cdroms/cd0?wait=30`, { image: null });
  t.deepEqual(
    scripted.requests('Test.changeCdrom').map(({ change }) => change),
    [
      { device: 'cd0', image: 'netinst', force: true },
      { device: 'cd0', image: '' },
    ],
  );
});

test('rejects a drive that no guest has, a body without an image, and a container with 400', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running' });
  t.is((await call('PATCH', `/guests/${id}/cdroms/cd9`, { image: 'netinst' })).status, 400);
  t.is((await call('PATCH', `/guests/${id}/cdroms/cd0`, {})).status, 400);
  const container = await addGuest(context, { type: 'container', state: 'running' });
  const { status, body } = await call('PATCH', `/guests/${container.id}/cdroms/cd0`, { image: 'netinst' });
  t.is(status, 400);
  t.regex(JSON.stringify(body), /is a container, which has no CD drive/);
});

test('an image in a CD drive cannot be deleted', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { cdroms: [{ device: 'cd0', image: 'debian-12' }] });
  const { status, body } = await call('DELETE', '/images/debian-12');
  t.is(status, 409);
  t.regex(JSON.stringify(body), new RegExp(`is in a CD drive of these guests: ${id}: eject it first`));
});

test('passes the device to boot from once to the stages, and rejects one that no guest has', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running' });
  await call('POST', `/guests/${id}/restart?wait=30&boot=cd0`);
  t.deepEqual(scripted.requests('Test.restart')[0]?.args, { boot: 'cd0' });
  t.is((await call('POST', `/guests/${id}/restart?boot=floppy`)).status, 400);
});

test('numbers the drives of a new guest by their order, and rejects others', async (t) => {
  const { call } = await serveApi(t);
  const spec = { memory: 64, cpu: 1, cdroms: [{}, { image: '' }] };
  const { status, body } = await call('POST', '/guests?dryRun=true', spec);
  t.is(status, 200, JSON.stringify(body));
  const wrong = { ...spec, cdroms: [{ device: 'cd1' }] };
  t.is((await call('POST', '/guests?dryRun=true', wrong)).status, 400);
});
