import test from 'ava';
import {
  engineReference,
  familiarName,
  parseImageName,
} from '../../../../../lib/subagents/container/images/names.js';

for (const [id, reference] of [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['team/app', 'docker.io/team/app:latest'],
  ['localhost/bb:1', 'localhost/bb:1'],
  ['registry.example:5000/a/b', 'registry.example:5000/a/b:latest'],
  [`busybox@sha256:${'0'.repeat(64)}`, `docker.io/library/busybox@sha256:${'0'.repeat(64)}`],
] as const)
  test(`completes the image id ${id} to ${reference}`, (t) => {
    t.is(engineReference(id), reference);
  });

test('shortens a completed name to the original id', (t) => {
  for (const id of ['busybox', 'busybox:1.36', 'team/app', 'localhost/bb:1', 'registry.example:5000/a/b'])
    t.is(familiarName(engineReference(id)), id);
});

test('a digest replaces the tag', (t) => {
  const digest = `sha256:${'a'.repeat(64)}`;
  t.deepEqual(parseImageName(`busybox:1@${digest}`), {
    repository: 'docker.io/library/busybox',
    tag: '',
    digest,
  });
});

for (const id of ['Big', 'a//b', '-x', 'a..b/', ''])
  test(`rejects "${id}" as an image name`, (t) => {
    t.throws(() => engineReference(id), { message: /lower-case letters, digits/ });
  });
