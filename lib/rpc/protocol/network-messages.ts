import Joi from 'joi';
import { type HostNetworks, hostNetworksSchema } from '../../model/host-networks.js';

/** It asks for all networks. */
export interface NetworksRequest {
  args?: Record<string, string>;
}

/** The networks of one sub-agent's guests. `null` or an absent list is an empty one. */
export type NetworksResponse = { [Key in keyof HostNetworks]?: HostNetworks[Key] | null };

export const networksRequestSchema = Joi.object<NetworksRequest>({
  args: Joi.object().pattern(Joi.string(), Joi.string()),
}).unknown();

export const networksResponseSchema = Joi.object<NetworksResponse>({
  networks: hostNetworksSchema.extract('networks').optional().allow(null),
  problems: hostNetworksSchema.extract('problems').optional().allow(null),
})
  .unknown()
  .required();
