import test from 'ava';
import { routeTable } from '../../../routes/table.js';
import { event, startTestAgent } from '../../helpers/agent.js';
import { exampleOf } from '../../helpers/endpoints.js';

for (const route of routeTable)
  test(`the handler of ${route.method} ${route.path} replies as its route describes`, async (t) => {
    const { context } = await startTestAgent(t);
    const { status, body } = await route.handler(event(await exampleOf(route, context)), context);
    t.is(status, route.reply.status);
    t.is(route.reply.schema?.validate(body, { convert: false }).error, undefined);
  });
