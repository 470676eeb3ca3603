import type { ExecutionContext } from 'ava';
import { createLogger } from '../../lib/log.js';
import { stageHeaders } from '../../lib/rpc/client/client.js';
import { type JobStage, RPC_PATH } from '../../lib/rpc/protocol/calls.js';
import { encodeCall } from '../../lib/rpc/protocol/codec.js';
import type { SubAgent } from '../../lib/rpc/server/sub-agent.js';

export const GUEST_ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

export const silentLog = createLogger('test', 'silent');

export interface RpcResult {
  status: number;
  result?: Record<string, unknown> | null;
  error?: string | null;
  /** The kind of a refusal. */
  kind?: string;
}

/**
 * Calls a sub-agent over HTTP, as the agent does.
 * @param stage the job and stage to name in the call's headers
 */
export const callMethod = async (
  port: number,
  method: string,
  request: unknown,
  stage?: JobStage,
): Promise<RpcResult> => {
  const response = await fetch(`http://127.0.0.1:${port}${RPC_PATH}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      connection: 'close',
      ...(stage ? stageHeaders(stage) : {}),
    },
    body: encodeCall(method, request, 1),
  });
  const text = await response.text();
  if (response.status !== 200) return { status: response.status, error: text };
  return { status: 200, ...(JSON.parse(text) as object) };
};

/** Serves a sub-agent on a free port until the test ends. */
export const serve = async (t: ExecutionContext, subAgent: SubAgent): Promise<number> => {
  const { port } = await subAgent.listen({ port: 0 });
  t.teardown(() => subAgent.close());
  return port;
};
