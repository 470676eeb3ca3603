import test from 'ava';
import { addMount } from '../../../lib/cli/mount-option.js';

for (const [text, mount] of [
  ['source=data,target=/data', { type: 'volume', source: 'data', target: '/data' }],
  ['type=volume,src=data,dst=/data,ro', { type: 'volume', source: 'data', target: '/data', readOnly: true }],
  [
    'type=bind,source=/srv/a=b,target=/a,readonly=false',
    { type: 'bind', source: '/srv/a=b', target: '/a', readOnly: false },
  ],
  ['type=tmpfs,target=/c,size=1G,mode=0700', { type: 'tmpfs', target: '/c', size: 1024, mode: '0700' }],
] as const)
  test(`reads the mount ${text}`, (t) => {
    t.deepEqual(addMount(text) as object[], [mount]);
    t.is(addMount(text, addMount(text)).length, 2);
  });

for (const [text, message] of [
  ['data:/data', /"data:\/data" is not a setting/],
  ['source=data', /target=\/data/],
  ['target=/data,readonly=maybe', /neither true nor false/],
  ['type=tmpfs,target=/c,size=much', /size|MB|G/],
] as const)
  test(`rejects the mount ${text}`, (t) => {
    t.throws(() => addMount(text), { message });
  });
