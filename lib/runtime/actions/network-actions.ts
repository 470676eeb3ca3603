import type { HostNetwork, HostNetworks } from '../../model/host-networks.js';
import { AGENT_RUNNER } from '../../model/job.js';
import {
  type NetworksRequest,
  type NetworksResponse,
  networksResponseSchema,
} from '../../rpc/protocol/network-messages.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';

const requireNetworks = requireShape(networksResponseSchema);

/** Merges the entries that differ only in their guests, and sorts them by name. */
const mergeNetworks = (networks: readonly HostNetwork[]): HostNetwork[] => {
  const merged = new Map<string, HostNetwork>();
  for (const network of networks) {
    const { name, kind, guests, driver, subnets, usable, reason } = network;
    const key = JSON.stringify([name, kind, driver, [...subnets].sort(), usable, reason]);
    const earlier = merged.get(key)?.guests ?? [];
    merged.set(key, { ...network, guests: [...new Set([...earlier, ...guests])] });
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
};

/**
 * Lists the networks of the host: those that all stages of the action respond with.
 * @throws {AgentError} `not_found` when the config lacks the action
 */
export const queryNetworks = async (
  runtime: Runtime,
  signal?: AbortSignal,
): Promise<ActionResult<HostNetworks>> => {
  const networks: HostNetwork[] = [];
  const problems = new Set<string>();
  const { pipelineId } = await runtime.query<NetworksRequest, NetworksResponse>(
    AGENT_RUNNER,
    runtime.action('networks'),
    {
      request: ({ args }) => (args ? { args } : {}),
      onResponse: async (stage, response) => {
        await requireNetworks(stage, response);
        networks.push(...(response.networks ?? []));
        for (const problem of response.problems ?? []) problems.add(problem);
      },
    },
    signal,
  );
  return { pipelineId, result: { networks: mergeNetworks(networks), problems: [...problems] } };
};
