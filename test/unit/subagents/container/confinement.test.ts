import test from 'ava';
import type { Metadata } from '../../../../lib/model/guest.js';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { confinement } from '../../../../lib/subagents/container/confinement.js';
import { DEFAULT_POLICY, type PolicyOptions, policyOf } from '../../../../lib/subagents/container/policy.js';

const confined = (metadata: Metadata = {}, options: PolicyOptions = {}) =>
  confinement(metadata, policyOf(options));

test('drops all capabilities but those of most programs, limits processes and fixes privileges', (t) => {
  const { CapDrop, CapAdd, PidsLimit, SecurityOpt } = confined();
  t.deepEqual(CapDrop, ['ALL']);
  for (const name of ['CHOWN', 'SETUID', 'NET_BIND_SERVICE'])
    t.true((CapAdd as string[]).includes(name), name);
  for (const name of ['NET_RAW', 'MKNOD', 'SYS_ADMIN']) t.false((CapAdd as string[]).includes(name), name);
  t.is(PidsLimit, 2048);
  t.deepEqual(SecurityOpt, ['no-new-privileges:true']);
});

test('the options of the program change what every container gets', (t) => {
  const options = { capability: ['KILL'], pidsLimit: 0, allowNewPrivileges: true };
  t.deepEqual(confined({}, options), {
    CapDrop: ['ALL'],
    CapAdd: ['KILL'],
    PidsLimit: -1,
    SecurityOpt: ['no-new-privileges:false'],
  });
});

test('a guest adds and drops capabilities within what its host allows', (t) => {
  const added = (metadata: Metadata, options = {}) => confined(metadata, options).CapAdd;
  t.deepEqual(added({ 'cap-drop': 'all', 'cap-add': 'cap_net_raw KILL' }), ['NET_RAW', 'KILL']);
  t.deepEqual(added({ 'cap-drop': 'CAP_CHOWN,KILL' }, { capability: ['CHOWN', 'KILL', 'SETUID'] }), [
    'SETUID',
  ]);
  t.true(
    (added({ 'cap-add': 'NET_ADMIN' }, { allowCapability: ['NET_ADMIN'] }) as string[]).includes('NET_ADMIN'),
  );
});

test('a guest may have a lower limit of processes, and chooses whether programs gain privileges', (t) => {
  t.is(confined({ 'pids-limit': '64' }).PidsLimit, 64);
  t.is(confined({ 'pids-limit': '5000' }, { pidsLimit: 0 }).PidsLimit, 5000);
  t.deepEqual(confined({ 'no-new-privileges': 'false' }).SecurityOpt, ['no-new-privileges:false']);
  t.deepEqual(confined({ 'no-new-privileges': 'true' }, { allowNewPrivileges: true }).SecurityOpt, [
    'no-new-privileges:true',
  ]);
});

for (const [metadata, message] of [
  [{ 'cap-add': 'SYS_ADMIN' }, /^metadata cap-add asks for SYS_ADMIN, .*--allow-capability SYS_ADMIN/],
  [{ 'cap-add': 'ALL' }, /^metadata cap-add names ALL, which is no capability/],
  [{ 'cap-drop': 'NET_ROW' }, /^metadata cap-drop names NET_ROW, which is no capability/],
  [{ 'pids-limit': '2049' }, /^metadata pids-limit must be a number from 1 to 2048, got 2049/],
  [{ 'pids-limit': '0' }, /from 1 to 2048, got 0/],
  [{ 'pids-limit': '-1' }, /from 1 to 2048, got -1/],
  [{ 'no-new-privileges': 'yes' }, /^metadata no-new-privileges must be true or false, got yes/],
] as [Metadata, RegExp][])
  test(`rejects ${JSON.stringify(metadata)}`, (t) => {
    const error = t.throws(() => confinement(metadata, DEFAULT_POLICY), { instanceOf: Refusal, message });
    t.is(error.kind, 'invalid');
  });
