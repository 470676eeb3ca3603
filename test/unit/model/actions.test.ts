import test from 'ava';
import { ACTION_SPECS, actionName, type BaseActionName, isPreempting } from '../../../lib/model/actions.js';

const BY_KIND = {
  info: [
    'cpuMetrics',
    'nicMetrics',
    'diskMetrics',
    'listImages',
    'getImage',
    'listSnapshots',
    'getSnapshot',
    'storageSpace',
    'diskUse',
    'networks',
  ],
  stream: ['downloadSnapshot'],
  guest: ['create', 'delete', 'reboot', 'restart', 'poweroff', 'shutdown', 'start', 'suspend', 'resume'],
  image: ['deleteImage', 'fetchImage'],
  snapshot: ['createSnapshot', 'createCheckpoint', 'updateSnapshot', 'deleteSnapshot', 'rollbackSnapshot'],
} as const satisfies Record<string, BaseActionName[]>;

for (const [kind, names] of Object.entries(BY_KIND))
  test(`has the contract's ${kind} actions`, (t) => {
    for (const name of names) {
      const spec = ACTION_SPECS.get(name);
      t.is(spec?.task ?? spec?.kind ?? '', kind, name);
    }
  });

test('gives each guest action and each image action a container variant', (t) => {
  const names = Object.values(BY_KIND)
    .flat()
    .filter((name) => !/Snapshots?$|Checkpoint$|^storage|^diskUse|^networks/.test(name));
  for (const name of names) {
    t.not(actionName('container', name), name);
    t.is(ACTION_SPECS.get(actionName('container', name)), ACTION_SPECS.get(name), name);
  }
  t.is(actionName('container', 'suspend'), 'containerSuspend');
  t.is(actionName('container', 'listImages'), 'containerListImages');
});

test('gives actions on snapshots, on the storage and on networks no container variant', (t) => {
  t.is(actionName('container', 'storageSpace'), 'storageSpace');
  t.is(actionName('container', 'diskUse'), 'diskUse');
  t.is(actionName('container', 'networks'), 'networks');
  t.is(actionName('container', 'createSnapshot'), 'createSnapshot');
});

for (const type of [undefined, '', 'kvm', 'anything'])
  test(`adds no prefix for type ${JSON.stringify(type)}`, (t) => {
    t.is(actionName(type, 'create'), 'create');
  });

test('only poweroff and delete preempt other actions', (t) => {
  t.deepEqual(BY_KIND.guest.filter(isPreempting), ['delete', 'poweroff']);
});
