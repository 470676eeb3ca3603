import test from 'ava';
import * as yaml from 'yaml';
import { addToList, cloudConfigMistake } from '../../../lib/portable/cloud-config.js';

const KEY = '"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop: #1"';

test('finds a mistake in a cloud-config with its line, and none in other user-data', (t) => {
  for (const text of ['', '#cloud-config\npackages: [curl]\n', '#cloud-config\n', '#!/bin/sh\n: ['])
    t.is(cloudConfigMistake(yaml, text), undefined);
  t.regex(cloudConfigMistake(yaml, '#cloud-config\na: 1\nb: c: d\n') ?? '', /^line 3 is not valid YAML: /);
  t.regex(cloudConfigMistake(yaml, '#cloud-config\n- curl\n') ?? '', /has keys/);
});

for (const [what, text] of Object.entries({
  'other keys': '#cloud-config\n# mode in octal\nwrite_files:\n  - path: /a\n    permissions: 0644\n',
  'a last line without an end': '#cloud-config\nruncmd: [ls]',
  'comments alone': '#cloud-config\n# nothing yet\n',
  nothing: '',
}))
  test(`adds a list to a cloud-config of ${what}, and leaves the rest as it is`, (t) => {
    const merged = addToList(yaml, text, 'packages', ['curl', 'htop']);
    t.true(merged.startsWith(text));
    t.deepEqual(yaml.parse(merged).packages, ['curl', 'htop']);
  });

for (const [what, text] of Object.entries({
  'a list': '#cloud-config\npackages:\n  - curl\n  # more to come\nruncmd: [ls]\n',
  'a list without indent': '#cloud-config\npackages:\n- curl\nruncmd: [ls]\n',
  'a list in brackets': '#cloud-config\npackages: [curl]\nruncmd: [ls]\n',
}))
  test(`adds to ${what} what it lacks`, (t) => {
    const merged = addToList(yaml, text, 'packages', ['curl', '{name: htop}']);
    t.deepEqual(yaml.parse(merged), { packages: ['curl', { name: 'htop' }], runcmd: ['ls'] });
    t.is(addToList(yaml, merged, 'packages', ['{ name: "htop" }', 'curl']), merged);
  });

test('adds an SSH key with any comment', (t) => {
  t.deepEqual(yaml.parse(addToList(yaml, '', 'ssh_authorized_keys', [KEY])), {
    ssh_authorized_keys: [JSON.parse(KEY)],
  });
});

for (const text of [
  '#!/bin/sh\nuseradd me\n',
  '#cloud-config\npackages: curl\n',
  '#cloud-config\na: 1\n...\n',
])
  test(`adds nothing to ${JSON.stringify(text)}`, (t) => {
    t.throws(() => addToList(yaml, text, 'packages', ['htop']), { message: /packages/ });
  });
