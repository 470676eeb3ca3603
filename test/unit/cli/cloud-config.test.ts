import test from 'ava';
import { parse } from 'yaml';
import { requireValid, withAuthorizedKeys } from '../../../lib/cli/cloud-config.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmFXkoA2o8Xqjs6YnBx0c7lTqy6kmfhvD4Yg0x0XJ0b me@laptop: #1';
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFixedOther ops@example.org';

const keysIn = (text: string): unknown => (parse(text) as Record<string, unknown>).ssh_authorized_keys;

test('accepts a cloud-config, an empty one, and user-data that is none', (t) => {
  for (const text of [
    '#cloud-config\npackages: [curl]\n',
    '#cloud-config\n',
    '#!/bin/sh\n: [',
    '#cloud-config-archive\n- a',
  ])
    t.notThrows(() => requireValid(text, 'web.yaml'));
});

for (const [text, message] of [
  ['#cloud-config\npackages:\n- curl\n  -: [\n', /^web\.yaml: line \d is not valid YAML: /],
  ['#cloud-config\na: 1\nb: c: d\n', /^web\.yaml: line 3 is not valid YAML: Nested mappings/],
  ['#cloud-config\na: 1\n\tb: 2\n', /line 3 is not valid YAML/],
  ['#cloud-config\na: 1\na: 2\n', /line 3 is not valid YAML: Map keys must be unique/],
  ['#cloud-config\n- curl\n', /^web\.yaml: a #cloud-config has keys/],
] as const)
  test(`rejects ${JSON.stringify(text)} with the line of the mistake`, (t) => {
    t.throws(() => requireValid(text, 'web.yaml'), { message });
  });

test('makes a cloud-config of keys alone', (t) => {
  const text = withAuthorizedKeys('', [KEY, OTHER, KEY], 'user-data');
  t.true(text.startsWith('#cloud-config\n'));
  t.deepEqual(keysIn(text), [KEY, OTHER]);
});

for (const [what, text] of Object.entries({
  'other keys': '#cloud-config\n# mode in octal\nwrite_files:\n  - path: /a\n    permissions: 0644\n',
  'a last line without an end': '#cloud-config\nruncmd: [ls]',
  'comments alone': '#cloud-config\n# nothing yet\n',
  'indented keys': '#cloud-config\n  packages:\n    - curl\n',
}))
  test(`adds a key to a cloud-config of ${what}, and leaves the rest as it is`, (t) => {
    const merged = withAuthorizedKeys(text, [KEY], 'user-data');
    t.true(merged.startsWith(text));
    t.deepEqual(keysIn(merged), [KEY]);
  });

for (const [what, text] of Object.entries({
  'a list': `#cloud-config\nssh_authorized_keys:\n  - ${OTHER}\n  # more to come\npackages: [curl]\n`,
  'a list without indent': `#cloud-config\nssh_authorized_keys:\n- ${OTHER}\npackages: [curl]\n`,
  'a list in brackets': `#cloud-config\nssh_authorized_keys: ["${OTHER}"]\npackages: [curl]\n`,
}))
  test(`adds a key to ${what} of keys, once`, (t) => {
    const merged = withAuthorizedKeys(text, [KEY], 'user-data');
    t.deepEqual(parse(merged), { ssh_authorized_keys: [OTHER, KEY], packages: ['curl'] });
    t.is(withAuthorizedKeys(merged, [KEY, OTHER], 'user-data'), merged);
  });

test('adds a key to a cloud-config that is one map in braces', (t) => {
  t.deepEqual(keysIn(withAuthorizedKeys('#cloud-config\n{packages: [curl]}\n', [KEY], 'x')), [KEY]);
  t.deepEqual(keysIn(withAuthorizedKeys('#cloud-config\n{}\n', [KEY], 'x')), [KEY]);
});

for (const [text, message] of [
  ['#!/bin/sh\nuseradd me\n', /only to a #cloud-config, and web\.sh begins with another line/],
  [
    '#cloud-config\nssh_authorized_keys: one key\n',
    /cannot be added to web\.sh: write it into "ssh_authorized_keys"/,
  ],
  ['#cloud-config\na: 1\n...\n', /cannot be added to web\.sh/],
] as const)
  test(`refuses to add a key to ${JSON.stringify(text)}`, (t) => {
    t.throws(() => withAuthorizedKeys(text, [KEY], 'web.sh'), { message });
  });
