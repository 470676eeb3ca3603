import test, { type ExecutionContext } from 'ava';
import type { ContainerSpec } from '../../lib/model/container/spec.js';
import { changedContainer } from '../../lib/model/container/spec-patch.js';
import type { Guest } from '../../lib/model/guest.js';
import type { GuestRequest } from '../../lib/rpc/protocol/guest-messages.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest, type TestAgentOptions } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

/** Changes a guest as the sub-agent of containers does. */
const update = ({ guest, change = {} }: GuestRequest) => {
  const { id, memory, cpu, image, container } = changedContainer(guest, change);
  return {
    guest: {
      id,
      memory: memory ?? 512,
      cpu: cpu ?? null,
      image: image ?? null,
      container: container ?? null,
    },
  };
};

const SPEC: ContainerSpec = {
  command: ['sleep', '9'],
  env: { A: '1', B: '2' },
  secretEnv: { KEY: 'hunter2-hunter2' },
  ports: [{ hostPort: 8080, port: 80 }],
};

const serve = async (t: ExecutionContext, options: TestAgentOptions = {}) => {
  const api = await serveApi(t, { methods: { 'Test.containerUpdate': update }, ...options });
  const { id } = await addGuest(api.context, {
    ...{ type: 'container', image: 'busybox', state: 'running', memory: 64, container: SPEC },
  });
  const stored = (): Guest => api.context.guests.get(id);
  const patch = (body: unknown, query = '?wait=30') => api.call('PATCH', `/guests/${id}${query}`, body);
  return { ...api, id, stored, patch };
};

test('changes a container by a merge patch, with its name and policies, and keeps its secrets', async (t) => {
  const { patch, stored, scripted } = await serve(t);
  const { status, text } = await patch({
    name: 'shop',
    restart: { policy: 'always' },
    ...{ memory: 128, cpu: 0.5, image: 'busybox:2' },
    container: { env: { A: null, C: '3' }, command: null, ports: [{ hostPort: 8081, port: 80 }] },
  });
  t.is(status, 200, text);
  t.notRegex(text, /hunter2/);
  t.like(stored(), { memory: 128, cpu: 0.5, image: 'busybox:2', restart: { policy: 'always' } });
  t.is(stored().metadata?.name, 'shop');
  t.deepEqual(stored().container, {
    ...{ env: { B: '2', C: '3' }, secretEnv: SPEC.secretEnv, ports: [{ hostPort: 8081, port: 80 }] },
  });
  t.deepEqual(Object.keys(scripted.requests('Test.containerUpdate')[0]?.change ?? {}).sort(), [
    ...['container', 'cpu', 'image', 'memory'],
  ]);
});

test('a patch of what the agent keeps calls no sub-agent', async (t) => {
  const { patch, stored, scripted } = await serve(t);
  t.is((await patch({ name: 'shop', restart: { policy: 'always' } })).status, 200);
  t.deepEqual(stored().restart, { policy: 'always' });
  t.deepEqual(scripted.calls, []);
});

for (const [body, message] of [
  [{ container: { user: 'two words' } }, /www-data/],
  [{ container: { colour: 'red' } }, /colour/],
  [{ container: { env: { KEY: 'x' } } }, /KEY in both env and secretEnv/],
  [{ container: { unlimitedMemory: true }, memory: 64 }, /leave one of them out/],
  [{ maxCpu: 4 }, /has no maxCpu/],
  [{ machine: { tpm: true } }, /has no machine/],
  [{ template: true }, /only virtual machines/],
] as [unknown, RegExp][])
  test(`rejects ${JSON.stringify(body)} for a container`, async (t) => {
    const { patch, stored, scripted } = await serve(t);
    const { status, text } = await patch(body);
    t.is(status, 400, text);
    t.regex(text, message);
    t.notRegex(text, /hunter2/);
    t.deepEqual(stored().container, SPEC);
    t.deepEqual(scripted.calls, []);
  });

for (const body of [{ container: { user: 'a' } }, { image: 'busybox' }, { cpu: 0.5 }])
  test(`rejects ${JSON.stringify(body)} for a virtual machine`, async (t) => {
    const { call, context } = await serveApi(t);
    const { id } = await addGuest(context, { state: 'shutoff' });
    const { status, text } = await call('PATCH', `/guests/${id}`, body);
    t.is(status, 400, text);
    t.regex(text, /virtual machine/);
  });

test('a change takes no port of another guest, and no more than the quota', async (t) => {
  const { patch, context, stored } = await serve(t, { quota: { memory: 256 } });
  const other = await addGuest(context, {
    ...{ type: 'container', state: 'running', memory: 64 },
    container: { ports: [{ hostPort: 9000, port: 80 }] },
  });
  const taken = await patch({ container: { ports: [{ hostPort: 9000, port: 1 }] } });
  t.is(taken.status, 409);
  t.true(taken.text.includes(`guest ${other.id} has port 9000/tcp`), taken.text);
  t.is((await patch({ memory: 250 })).status, 409);
  const unlimited = await patch({ container: { unlimitedMemory: true } });
  t.is(unlimited.status, 409, unlimited.text);
  t.deepEqual(stored().container, SPEC);
  t.is((await patch({ memory: 192 })).status, 200);
});

test('keeps a new secret that a sub-agent quotes out of the job and the response', async (t) => {
  const { patch, call, id, stored } = await serve(t, {
    methods: {
      'Test.containerUpdate': () => {
        throw new Refusal('conflict', 'cannot run with a-new-secret');
      },
    },
  });
  const failed = await patch({ container: { secretEnv: { KEY: 'a-new-secret' } } });
  t.is(failed.status, 409);
  const jobs = await call('GET', `/guests/${id}/jobs`);
  for (const { text } of [failed, jobs]) {
    t.regex(text, /cannot run with \[container\.secretEnv\.KEY\]/);
    t.notRegex(text, /a-new-secret/);
  }
  t.deepEqual(stored().container, SPEC);
});
