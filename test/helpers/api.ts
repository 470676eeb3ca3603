import type { ExecutionContext } from 'ava';
import { LOCAL } from '../../lib/server/access.js';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../../lib/server/listener.js';
import { createServer, type Endpoint } from '../../lib/server/server.js';
import { pages } from '../../routes/pages.js';
import { routeTable } from '../../routes/table.js';
import { startTestAgent, type TestAgent, type TestAgentOptions } from './agent.js';
import { requireDescribed } from './openapi.js';

export interface ApiResponse {
  status: number;
  headers: Headers;
  /** The parsed body, or its text when it is not JSON. */
  body: unknown;
  text: string;
  jobId: string | null;
}

export interface Api extends TestAgent {
  url: string;
  /** The routes requested so far, as `METHOD path`. */
  asked: string[];
  /** Stops the server but not the agent. */
  end: () => Promise<void>;
  /** @param body sent unchanged when it is a string, otherwise as JSON */
  call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<ApiResponse>;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Sends a request to an agent over HTTP. */
export const callApi = async (
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse> => {
  const content = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: content }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: parsed(text),
    text,
    jobId: response.headers.get('x-guest-job-id'),
  };
};

/** Serves an agent's API on a free port until the test ends, and checks its responses against the OpenAPI document. */
export const serveApi = async (
  t: ExecutionContext,
  options: TestAgentOptions = {},
  timeouts: Timeouts = DEFAULT_TIMEOUTS,
  endpoint: Partial<Endpoint> = {},
): Promise<Api> => {
  const agent = await startTestAgent(t, options);
  const server = await createServer({
    routes: routeTable,
    pages,
    context: agent.context,
    endpoint: { listen: { host: '127.0.0.1', port: 0 }, access: LOCAL, ...endpoint },
    timeouts: { ...timeouts, stop: 100 },
  });
  const asked: string[] = [];
  server.events.on('response', ({ method, route }) => asked.push(`${method.toUpperCase()} ${route.path}`));
  await server.start();
  t.teardown(() => server.stop());
  const url = `${server.info.protocol}://127.0.0.1:${server.info.port}`;
  const call: Api['call'] = async (method, path, ...rest) => {
    const response = await callApi(url, method, path, ...rest);
    requireDescribed(method, path, response);
    return response;
  };
  return { ...agent, url, asked, call, end: () => server.stop() };
};
