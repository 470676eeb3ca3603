import test from 'ava';
import type { ContainerSpec } from '../../../../lib/model/container/spec.js';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { confinement } from '../../../../lib/subagents/container/confinement.js';
import { DEFAULT_POLICY, type PolicyOptions, policyOf } from '../../../../lib/subagents/container/policy.js';

const confined = (spec: ContainerSpec = {}, options: PolicyOptions = {}) =>
  confinement(spec, policyOf(options));

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
  const added = (spec: ContainerSpec, options = {}) => confined(spec, options).CapAdd;
  t.deepEqual(added({ capDrop: ['all'], capAdd: ['cap_net_raw', 'KILL'] }), ['NET_RAW', 'KILL']);
  t.deepEqual(added({ capDrop: ['CAP_CHOWN', 'KILL'] }, { capability: ['CHOWN', 'KILL', 'SETUID'] }), [
    'SETUID',
  ]);
  t.true(
    (added({ capAdd: ['NET_ADMIN'] }, { allowCapability: ['NET_ADMIN'] }) as string[]).includes('NET_ADMIN'),
  );
});

test('a guest may have a lower limit of processes, and chooses whether programs gain privileges', (t) => {
  t.is(confined({ pidsLimit: 64 }).PidsLimit, 64);
  t.is(confined({ pidsLimit: 5000 }, { pidsLimit: 0 }).PidsLimit, 5000);
  t.deepEqual(confined({ noNewPrivileges: false }).SecurityOpt, ['no-new-privileges:false']);
  t.deepEqual(confined({ noNewPrivileges: true }, { allowNewPrivileges: true }).SecurityOpt, [
    'no-new-privileges:true',
  ]);
});

for (const [spec, message] of [
  [{ capAdd: ['SYS_ADMIN'] }, /^container\.capAdd asks for SYS_ADMIN, .*--allow-capability SYS_ADMIN/],
  [{ capAdd: ['ALL'] }, /^container\.capAdd names ALL, which is no capability/],
  [{ capDrop: ['NET_ROW'] }, /^container\.capDrop names NET_ROW, which is no capability/],
  [{ pidsLimit: 2049 }, /^container\.pidsLimit must be a number from 1 to 2048, got 2049/],
] as [ContainerSpec, RegExp][])
  test(`rejects ${JSON.stringify(spec)}`, (t) => {
    const error = t.throws(() => confinement(spec, DEFAULT_POLICY), { instanceOf: Refusal, message });
    t.is(error.kind, 'invalid');
  });
