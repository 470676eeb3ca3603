import type { ContainerInspectInfo } from 'dockerode';
import Joi from 'joi';
import { guestIdSchema } from '../../model/guest-schemas.js';
import type { ImageResponse } from '../../rpc/protocol/image-messages.js';
import { notFound } from '../shared/errors.js';
import type { Engine } from './engine.js';
import { engineReference, familiarName, parseImageName } from './images/names.js';
import { sizeOf } from './images/size.js';
import { toImage } from './images/to-image.js';
import { findContainer } from './lookup.js';

/** A request about containers, guests of the agent or not. */
export interface ContainerRequest {
  /** A container's name or id, or a guest's id. */
  id: string;
  /** Options of the method. The case of their keys does not matter, as in the original agent's sub-agent. */
  opts: Record<string, unknown>;
}

export interface ContainerResponse {
  /** In the format of `docker inspect`. */
  containers: ContainerInspectInfo[];
}

export const containerRequestSchema = Joi.object<ContainerRequest>({
  id: Joi.string().allow('', null).empty(['', null]).default(''),
  opts: Joi.object().allow(null).empty(null).default({}),
}).unknown();

const lowerKeys = (opts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(opts).map(([key, value]) => [key.toLowerCase(), value]));

/** @param name a container's name or id, or a guest's id */
const inspect = async (engine: Engine, name: string): Promise<ContainerInspectInfo> => {
  const found = guestIdSchema.validate(name).error
    ? await engine.find((docker) => docker.getContainer(name).inspect())
    : await findContainer(engine, name.toLowerCase());
  if (!found) throw notFound(`container ${name}`);
  return found;
};

/**
 * Lists running containers, or those selected by `opts`: `all`, `limit` and `filters` of the Docker Engine API's
 * `ContainerList`.
 */
export const listContainers = async (
  engine: Engine,
  { opts }: ContainerRequest,
): Promise<ContainerResponse> => {
  const { all, limit, filters } = lowerKeys(opts);
  const list = await engine.list((docker) =>
    docker.listContainers({
      all: all === true,
      ...(typeof limit === 'number' && limit > 0 ? { limit } : {}),
      ...(filters ? { filters: filters as Record<string, string[]> } : {}),
    }),
  );
  const found = list.map(({ Id }) => engine.find((docker) => docker.getContainer(Id).inspect()));
  return { containers: (await Promise.all(found)).filter((container) => container !== undefined) };
};

export const getContainer = async (engine: Engine, { id }: ContainerRequest): Promise<ContainerResponse> => ({
  containers: [await inspect(engine, id)],
});

const commitOptions = (opts: Record<string, unknown>): Record<string, string> => {
  const { repository, tag, message, author } = lowerKeys(opts);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const name = text(repository) ? parseImageName(`${text(repository)}:${text(tag) || 'latest'}`) : undefined;
  return {
    ...(name ? { repo: name.repository, tag: name.tag } : {}),
    comment: text(message),
    author: text(author),
  };
};

/** Commits a container as an image: `opts` may contain `repository`, `tag`, `message` and `author`. */
export const saveContainer = async (
  engine: Engine,
  { id, opts }: ContainerRequest,
): Promise<ImageResponse> => {
  const { container } = lowerKeys(opts);
  const name = id || String(container ?? '');
  const found = await inspect(engine, name);
  const options = commitOptions(opts);
  const saved = await engine.find((docker) => docker.getContainer(found.Id).commit(options));
  if (!saved) throw notFound(`container ${name}`);
  const { Id } = saved as { Id: string };
  const size = await sizeOf(engine, await engine.call((docker) => docker.getImage(Id).inspect()));
  const reference = options.repo ? engineReference(`${options.repo}:${options.tag}`) : undefined;
  return { images: [toImage(reference ? familiarName(reference) : Id, size)] };
};
