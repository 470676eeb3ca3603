import { Readable } from 'node:stream';
import test from 'ava';
import { routeTable } from '../../../routes/table.js';
import { event, startTestAgent } from '../../helpers/agent.js';
import { exampleOf } from '../../helpers/endpoints.js';

for (const route of routeTable)
  test(`the handler of ${route.method} ${route.path} replies as its route describes`, async (t) => {
    const { context } = await startTestAgent(t);
    const example = await exampleOf(route, context);
    const bytes = 'the bytes';
    const upload = { payload: Readable.from([bytes]), contentLength: bytes.length };
    const request = route.payload === 'upload' ? { ...example, ...upload } : example;
    const { status, body } = await route.handler(event(request), context);
    t.is(status, route.reply.status);
    t.is(route.reply.schema?.validate(body, { convert: false }).error, undefined);
  });
