import test from 'ava';
import { ACTION_TYPES, actionName } from '../../../lib/model/actions.js';

const BY_TYPE = {
  info: 'cpuMetrics nicMetrics diskMetrics listImages getImage listSnapshots getSnapshot',
  stream: 'downloadSnapshot',
  async:
    'create delete reboot restart poweroff shutdown start suspend deleteImage fetchImage createSnapshot ' +
    'deleteSnapshot rollbackSnapshot',
};

for (const [type, names] of Object.entries(BY_TYPE))
  test(`the contract's ${type} actions are there, of that type`, (t) => {
    for (const name of names.split(' ')) t.is(ACTION_TYPES.get(name), type as 'info', name);
  });

test('each guest action and each image action exists for containers, of the same type', (t) => {
  const names = Object.values(BY_TYPE)
    .flatMap((list) => list.split(' '))
    .filter((name) => !/Snapshots?$/.test(name));
  for (const name of names)
    t.is(ACTION_TYPES.get(actionName('container', name)), ACTION_TYPES.get(name), name);
  t.is(actionName('container', 'suspend'), 'containerSuspend');
  t.is(actionName('container', 'listImages'), 'containerListImages');
});

for (const type of [undefined, '', 'kvm', 'anything'])
  test(`the name of an action of type ${JSON.stringify(type)} has no prefix`, (t) => {
    t.is(actionName(type, 'create'), 'create');
  });
