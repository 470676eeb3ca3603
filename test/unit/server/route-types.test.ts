import test from 'ava';
import Joi from 'joi';
import type { Event, Reply } from '../../../lib/model/endpoint.js';
import { route } from '../../../lib/server/route.js';

const description = {
  method: 'GET',
  path: '/things/{id}',
  operationId: 'getThing',
  summary: 'Get a thing',
  can: 'look',
  tags: ['things'],
  reply: { status: 200, description: 'The thing' },
} as const;

interface Params {
  id: string;
}
interface Query {
  wait?: number;
}
interface Payload {
  name: string;
}

const handler = async ({ params, query, payload }: Event<Params, Query, Payload>): Promise<Reply> => ({
  status: 200,
  body: { ...params, ...query, ...payload },
});

const params = Joi.object<Params, true>({ id: Joi.string().required() });
const query = Joi.object<Query, true>({ wait: Joi.number() });
const payload = Joi.object<Payload, true>({ name: Joi.string().required() });

test('a route compiles only when its schemas deliver the input of its handler', (t) => {
  t.is(route({ ...description, params, query, payload, handler }).operationId, 'getThing');

  // @ts-expect-error the handler reads a query that the route does not validate
  route({ ...description, params, payload, handler });
  // @ts-expect-error the body lacks the key that the handler reads
  route({ ...description, params, query, payload: Joi.object<{ title: string }>(), handler });
  // @ts-expect-error the parameter has another type
  route({ ...description, params: Joi.object<{ id: number }>(), query, payload, handler });
  // @ts-expect-error the body may be null, which the handler does not expect
  route({ ...description, params, query, payload: Joi.object<Payload | null>().allow(null), handler });
  // @ts-expect-error an ignored body has no known shape
  route({ ...description, params, query, payload: 'ignored', handler });
});
