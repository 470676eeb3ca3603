import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { errorMessage } from '../../errors.js';
import { portName, sharedPort } from '../../model/container/port-clash.js';
import { usageFailure } from '../failure.js';
import { interpolate } from './interpolate.js';
import { inOrder } from './order.js';
import { Mistakes, type Pod, type PodService } from './pod.js';
import { readNetworks, readVolumes, sectionOf } from './sections.js';
import { readService } from './service.js';
import { type Fields, isFields } from './values.js';

/** `version` says nothing: https://github.com/compose-spec/compose-spec/blob/main/04-version-and-name.md */
const KEYS: ReadonlySet<string> = new Set(['name', 'version', 'services', 'volumes', 'networks']);

const parse = async (file: string): Promise<Fields> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read the pod file: ${errorMessage(error)}`);
  }
  const document = parseDocument(text, { merge: true });
  const [error] = document.errors;
  if (error) throw usageFailure(`${file}: ${error.message}`);
  const content: unknown = document.toJS();
  if (!isFields(content))
    throw usageFailure(`${file}: a pod file has keys such as services, got something else`);
  return content;
};

const PROJECT = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Names the project: as the caller says, as the file says, or as its directory is named. */
const projectOf = ({ name }: Fields, file: string, wanted: string | undefined): string => {
  const given = wanted ?? (name === undefined ? undefined : String(name));
  const project =
    given ??
    basename(dirname(resolve(file)))
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '');
  if (!PROJECT.test(project))
    throw usageFailure(
      `"${project}" is not the name of a project: give one with --project, of a-z, 0-9, _ and -, up to 63 characters`,
    );
  return project;
};

/** Reads the name of the project alone, whatever else the file has. */
export const readProject = async (file: string, wanted: string | undefined): Promise<string> =>
  wanted === undefined ? projectOf(await parse(file), file, wanted) : projectOf({}, file, wanted);

const checkNeeds = (services: readonly PodService[], mistakes: Mistakes): void => {
  for (const { name, needs } of services)
    for (const { service } of needs)
      if (!services.some((each) => each.name === service))
        mistakes.add(`services.${name}.depends_on`, `the file has no service ${service}`);
};

/** Names what two services of the file cannot both have: the agent would refuse it only once the first one is there. */
const checkClashes = (services: readonly PodService[], mistakes: Mistakes): void => {
  for (const [index, { name, spec }] of services.entries())
    for (const earlier of services.slice(0, index)) {
      const at = `services.${name}`;
      const port = sharedPort(spec.container?.ports ?? [], earlier.spec.container?.ports ?? []);
      if (port) mistakes.add(`${at}.ports`, `${earlier.name} has ${portName(port)}, too`);
      const guestName = spec.metadata?.name;
      if (guestName !== undefined && guestName === earlier.spec.metadata?.name)
        mistakes.add(`${at}.container_name`, `${earlier.name} has the same`);
    }
};

/**
 * Reads a pod file: a part of the Compose specification.
 * @param wanted the name of the project, in place of that of the file
 * @throws {Failure} that names everything in it that is not supported
 */
export const readPod = async (
  file: string,
  wanted: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Pod> => {
  const mistakes = new Mistakes();
  const raw = await parse(file);
  const project = projectOf(raw, file, wanted);
  const content = interpolate({ value: raw, at: '' }, env, mistakes) as Fields;
  for (const key of Object.keys(content))
    if (!KEYS.has(key) && !key.startsWith('x-')) mistakes.add(key, 'not supported');
  const volumes = readVolumes(content, project, mistakes);
  const names = new Map([...volumes].map(([key, { name }]) => [key, name]));
  const context = {
    dir: dirname(resolve(file)),
    env,
    volumes: names,
    networks: readNetworks(content, mistakes),
  };
  const services: PodService[] = [];
  for (const [name, value] of sectionOf(content, 'services', mistakes)) {
    const at = `services.${name}`;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(name)) mistakes.add(at, 'not the name of a service');
    services.push(await readService(name, { at, value }, context, mistakes));
  }
  if (services.length === 0) mistakes.add('services', 'there are none');
  checkNeeds(services, mistakes);
  checkClashes(services, mistakes);
  mistakes.throwIfAny();
  return { project, services: inOrder(services), volumes: [...volumes.values()] };
};
