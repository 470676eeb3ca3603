import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';

const PATH = 'upgrade-machine';

test('moves a guest on to the hardware that the request names', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.upgradeMachine': ({ guest }) => ({
        guest: {
          ...guest,
          cpuModel: 'Nehalem',
          machine: { type: 'pc-q35-9.2', layout: 2, firmware: 'bios', sockets: 1, threads: 1 },
        },
      }),
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const reply = await call('POST', `/guests/${id}/${PATH}?type=pc-q35-9.2&cpuModel=Nehalem&wait=30`);
  t.like(reply, { status: 200, body: { cpuModel: 'Nehalem', machine: { type: 'pc-q35-9.2', layout: 2 } } });
  t.deepEqual(scripted.requests('Test.upgradeMachine')[0]?.args, { type: 'pc-q35-9.2', cpuModel: 'Nehalem' });
});

test('keeps the hardware and the warnings of a guest whose sub-agent says nothing about them', async (t) => {
  const { call, context } = await serveApi(t);
  const machine = { type: 'pc-q35-9.2', layout: 2, firmware: 'bios' as const, sockets: 1, threads: 1 };
  const { id } = await addGuest(context, { state: 'shutoff', machine, cpuModel: 'max', warnings: ['old'] });
  await call('POST', `/guests/${id}/start?wait=30`);
  t.like(await call('GET', `/guests/${id}`), { body: { machine, cpuModel: 'max', warnings: ['old'] } });
});

test('rejects an upgrade to a machine type without a version, and one of a container', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context);
  t.like(await call('POST', `/guests/${id}/${PATH}?type=q35`), { status: 400 });
  const container = await addGuest(context, { type: 'container' });
  t.like(await call('POST', `/guests/${container.id}/${PATH}`), {
    status: 400,
    body: { message: `guest ${container.id} is a container, which has no virtual hardware` },
  });
  t.deepEqual(scripted.calls, []);
});

test('rejects a body, which would not choose the hardware, and accepts an empty one', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  t.like(await call('POST', `/guests/${id}/${PATH}`, { cpuModel: 'Nehalem' }), {
    status: 400,
    body: {
      message: 'the body must be empty: give type and cpuModel as query parameters, as in ?cpuModel=Nehalem',
    },
  });
  t.deepEqual(scripted.calls, []);
  for (const body of [undefined, {}])
    t.is((await call('POST', `/guests/${id}/${PATH}?wait=30`, body)).status, 200);
});

const BEFORE = { type: 'pc-q35-6.2', layout: 1, firmware: 'bios' as const, sockets: 1, threads: 1 };
const NEXT = { type: 'pc-q35-6.2', layout: 1, cpuModel: 'Nehalem' };

test('shows in a dry run what would change, in the guest and in words', async (t) => {
  const { call, context, url } = await serveApi(t, {
    actions: { upgradeMachine: [{ check: 'Test.checkUpgrade' }] },
    methods: {
      'Test.checkUpgrade': ({ guest: { id } }) => ({
        guest: { id, cpuModel: 'max', machine: { ...BEFORE, next: NEXT } },
      }),
    },
  });
  const { id } = await addGuest(context, { cpuModel: 'max', machine: BEFORE });
  const { body } = await call('POST', `/guests/${id}/${PATH}?dryRun=true&cpuModel=Nehalem`);
  t.like(body, { machine: { next: NEXT } });
  t.is(context.guests.get(id).machine?.next, undefined);
  const { stdout, stderr } = await mistify(t, url, 'guest', PATH, id, '--cpu-model', 'Nehalem', '--dry-run');
  t.regex(stdout, /the guest gets CPU model Nehalem instead of max at its next start: /, stderr);
});

test('responds to an upgrade that the config does not have with 404', async (t) => {
  const { call, context } = await serveApi(t, { actions: { upgradeMachine: undefined } });
  const { id } = await addGuest(context);
  t.like(await call('POST', `/guests/${id}/${PATH}`), { status: 404 });
});

test('gives a new virtual machine the CPU model of the config, unless it names one', async (t) => {
  const { call } = await serveApi(t, { guests: { cpu_model: 'Nehalem' } });
  t.like(await call('POST', '/guests', { memory: 64 }), { body: { cpuModel: 'Nehalem' } });
  t.like(await call('POST', '/guests', { memory: 64, cpuModel: 'max' }), { body: { cpuModel: 'max' } });
  const container = { type: 'container', image: 'a', warnings: ['mine'] };
  const { body } = await call('POST', '/guests', container);
  t.false('cpuModel' in (body as object));
  t.false('warnings' in (body as object));
});
