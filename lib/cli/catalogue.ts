import type { CatalogueImage, CatalogueListing, MistifyClient } from '../client/index.js';
import { findByName } from '../portable/catalogue-names.js';
import { formatAge } from '../portable/format.js';
import { notFoundFailure } from './failure.js';
import { followJob } from './follow.js';
import type { Session } from './session.js';

/** Says which sources of a catalogue could not be read, and how old what is listed of them is. */
export const describeProblems = ({ sources }: Pick<CatalogueListing, 'sources'>): string[] =>
  sources.flatMap(({ name, url, problem, read }) =>
    problem === undefined
      ? []
      : [
          `source ${name} (${url}) cannot be read: ${problem}; ${read === undefined ? 'nothing is known of it' : `listed as it was ${formatAge(read)}`}`,
        ],
  );

/** Finds an image of the catalogue by its id or another name of it; `undefined` when it has none. */
export const findInCatalogue = async (
  client: MistifyClient,
  name: string,
): Promise<{ image: CatalogueImage | undefined; problems: string[] }> => {
  const listing = await client.catalogue();
  return { image: findByName(listing.images, name), problems: describeProblems(listing) };
};

/** The ids of the disk images of the host. */
const idsHere = async ({ images }: MistifyClient): Promise<Set<string>> => {
  const { items } = await images.list({ type: 'kvm', fields: ['id'] });
  return new Set(items.map(({ id }) => id));
};

/** An image of this host, or one that a dry run would have fetched. */
export interface ReadyImage {
  id: string;
  isHere: boolean;
}

/**
 * Sees to it that the host has an image: fetches it from the catalogue and waits for it, unless it is there.
 * @throws {Failure} when neither the host nor the catalogue has it
 */
export const requireImage = async (
  session: Session,
  name: string,
  { dryRun }: { dryRun?: boolean | undefined },
): Promise<ReadyImage> => {
  const { client, out } = session;
  const here = await idsHere(client);
  if (here.has(name)) return { id: name, isHere: true };
  const { image, problems } = await findInCatalogue(client, name);
  for (const problem of problems) out.note(problem);
  if (!image)
    throw notFoundFailure(
      `no image "${name}", on this host or in the catalogue`,
      'To search for one: mistify image search; to fetch one from a URL: mistify image fetch',
    );
  const { id, fetch, title } = image;
  if (here.has(id)) return { id, isHere: true };
  out.note(`image ${id} (${title}) is not on this host: fetching it from ${fetch.source}`);
  const { jobId } = await client.images.fetch(fetch, { dryRun });
  if (!dryRun) await followJob(session, jobId, `fetch ${id}`);
  return { id, isHere: !dryRun };
};
