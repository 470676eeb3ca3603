import type { ContainerInspectInfo } from 'dockerode';
import { containerName, GUEST_LABEL, newName, oldName } from './definition.js';
import type { Engine } from './engine.js';

const isOf = (id: string, { Config }: Pick<ContainerInspectInfo, 'Config'>): boolean =>
  Config.Labels?.[GUEST_LABEL] === id;

/** Inspects the container of a name if it has the label of a guest; a container of others may have the same name. */
export const findNamed = async (
  engine: Engine,
  id: string,
  name: string,
): Promise<ContainerInspectInfo | undefined> => {
  const info = await engine.find((docker) => docker.getContainer(name).inspect());
  return info && isOf(id, info) ? info : undefined;
};

/** Whether a container has the label of a guest from its image: `docker commit` puts the labels of a container there. */
const inheritsLabel = async (
  engine: Engine,
  id: string,
  { Image }: ContainerInspectInfo,
): Promise<boolean> => {
  const image = await engine.find((docker) => docker.getImage(Image).inspect());
  return image?.Config?.Labels?.[GUEST_LABEL] === id;
};

/** Finds a guest's container that others have renamed. */
const findRenamed = async (engine: Engine, id: string): Promise<ContainerInspectInfo | undefined> => {
  const filters = { label: [`${GUEST_LABEL}=${id}`] };
  const listed = await engine.list((docker) => docker.listContainers({ all: true, filters }));
  const replaced = [newName(id), oldName(id)].map((name) => `/${name}`);
  for (const { Id, Names } of listed) {
    if (Names.some((name) => replaced.includes(name))) continue;
    const info = await findNamed(engine, id, Id);
    if (info && !(await inheritsLabel(engine, id, info))) return info;
  }
  return undefined;
};

/** Inspects a guest's container, whichever agent it belongs to and whatever its name; `undefined` without one. */
export const findContainer = async (engine: Engine, id: string): Promise<ContainerInspectInfo | undefined> =>
  (await findNamed(engine, id, containerName(id))) ?? (await findRenamed(engine, id));
