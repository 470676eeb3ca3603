import test from 'ava';
import {
  grantOf,
  grantsOfScope,
  may,
  mayEverywhere,
  mayOn,
  SCOPES,
  scopeOfGrants,
  VERBS,
} from '../../../lib/model/rights.js';
import { grantSchema } from '../../../lib/model/rights-schemas.js';

const WEB = { id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10', tags: ['web', 'staging'] };
const DB = { id: '8d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10' };

test('permits nothing without a grant, and nothing to no client', (t) => {
  for (const verb of VERBS)
    for (const client of [undefined, { grants: [] }])
      t.false(may(client, verb) || mayEverywhere(client, verb) || mayOn(client, verb, WEB));
});

test('permits everywhere what a grant without guests has', (t) => {
  const client = { grants: [grantOf(['power'])] };
  t.true(mayEverywhere(client, 'power') && mayOn(client, 'power', DB));
  t.false(may(client, 'change'));
});

test('permits what a grant has for the guests with its tags or ids, and for no others', (t) => {
  for (const guests of [{ tags: ['db', 'web'] }, { ids: [WEB.id] }, { ids: [WEB.id], tags: ['db'] }]) {
    const client = { grants: [grantOf(['power'], guests)] };
    t.true(mayOn(client, 'power', WEB) && may(client, 'power'));
    t.false(mayOn(client, 'power', DB) || mayEverywhere(client, 'power'));
    t.false(mayOn(client, 'change', WEB));
  }
});

test('adds grants up, each for its own guests', (t) => {
  const client = { grants: [grantOf(['look']), grantOf(['power'], { tags: ['web'] })] };
  t.true(mayOn(client, 'look', DB) && mayOn(client, 'power', WEB));
  t.false(mayOn(client, 'power', DB));
});

test('lets everyone see what they may act on', (t) => {
  t.deepEqual(grantOf(['power']).can, ['look', 'power']);
  t.deepEqual(grantOf(['metrics']).can, ['metrics']);
});

test('names the scope that grants are, and no other grants', (t) => {
  for (const scope of SCOPES) {
    t.is(scopeOfGrants(grantsOfScope(scope)), scope);
    t.is(scopeOfGrants(grantsOfScope(scope, { tags: ['web'] })), undefined);
  }
  t.is(scopeOfGrants([]), undefined);
});

test('a scope for some guests has no rights over the host', (t) => {
  const [grant] = grantsOfScope('admin', { tags: ['web'] });
  t.deepEqual(grant?.can, ['look', 'content', 'console', 'power', 'change', 'snapshot', 'backup']);
});

test('reads grants, and refuses rights over the host for some guests', (t) => {
  t.deepEqual(grantSchema.validate({ can: ['power'] }).value, { can: ['look', 'power'] });
  for (const wrong of [
    { can: [] },
    { can: ['fly'] },
    { can: ['host'], guests: { tags: ['web'] } },
    { can: ['look'], guests: {} },
    { can: ['look'], guests: { tags: [] } },
    { can: ['look'], guests: null },
    { can: ['look'], guests: { tags: null } },
  ])
    t.truthy(grantSchema.validate(wrong).error, JSON.stringify(wrong));
});
