import test from 'ava';
import { rejectUnknownKeys } from '../../../../lib/model/container/known-keys.js';
import { containerPatchSchema } from '../../../../lib/model/container/spec-patch.js';
import { containerSpecSchema } from '../../../../lib/model/container/spec-schema.js';

const schema = rejectUnknownKeys(containerSpecSchema).prefs({ stripUnknown: true });

const mistake = (spec: object): string | undefined => schema.validate(spec).error?.message;

test('names an unknown key of a container, and the nearest known one', (t) => {
  t.is(mistake({ workingdir: '/' }), '"container.workingdir" is not known: did you mean "workingDir"?');
  t.is(
    mistake({ memroy: 64 }),
    '"container.memroy" is not known: "memory" is a key of the guest, beside "container"',
  );
  t.regex(mistake({ colour: 'red' }) ?? '', /^"container\.colour" is not known: choose from command, /);
});

test('names an unknown key in a list or an object of a container', (t) => {
  t.is(
    mistake({
      ports: [
        { hostPort: 1, port: 2 },
        { hostport: 1, port: 2, hostPort: 3 },
      ],
    }),
    '"container.ports[1].hostport" is not known: did you mean "hostPort"?',
  );
  t.is(
    mistake({ health: { command: 'true', intervall: 3 } }),
    '"container.health.intervall" is not known: did you mean "interval"?',
  );
  t.is(
    mistake({ ulimits: { core: { soft: 1, hard: 2, sofft: 1 } } }),
    '"container.ulimits.core.sofft" is not known: did you mean "soft"?',
  );
});

test('accepts any name where names are free', (t) => {
  t.is(mistake({ env: { ANY: '1' }, labels: { any: 'x' }, ulimits: { nofile: 1 } }), undefined);
});

test('a patch is held to the same keys, also one that removes a key', (t) => {
  const of = (patch: object | null) => containerPatchSchema.validate(patch).error?.message;
  t.is(of({ env: { ANY: null }, user: null }), undefined);
  t.is(of(null), undefined);
  t.is(of({ usr: null }), '"container.usr" is not known: did you mean "user"?');
});
