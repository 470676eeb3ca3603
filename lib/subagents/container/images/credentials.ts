import type Docker from 'dockerode';
import Joi from 'joi';
import { errorMessage, isErrno } from '../../../errors.js';
import { readPrivateFile } from '../../../files/secret-file.js';

const MAX_BYTES = 1024 * 1024;
/** Docker's own registry, as `docker login` writes it. */
const DOCKER_HUB = 'index.docker.io';

interface Entry {
  /** `user:password` in base64. */
  auth?: string;
  identitytoken?: string;
}

/** The parts of containers-auth.json(5) in use here. */
const fileSchema = Joi.object<{ auths: Record<string, Entry> }>({
  auths: Joi.object().pattern(
    Joi.string(),
    Joi.object<Entry>({ auth: Joi.string().base64(), identitytoken: Joi.string() }).unknown(),
  ),
})
  .unknown()
  .required();

/** @throws {Error} without the content, which is secret */
const parse = (path: string, text: string): Record<string, Entry> => {
  const wrong = (why: string): Error =>
    new Error(`the file ${path} with the credentials of registries cannot be used: ${why}`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw wrong('it is not JSON');
  }
  const { value, error } = fileSchema.validate(content, { convert: false });
  if (error) throw wrong('it has not the form that podman login and docker login write');
  return value.auths ?? {};
};

/** Returns a key of the file as the name of a registry, perhaps with a path: `https://index.docker.io/v1/` is `docker.io`. */
const nameOf = (key: string): string => {
  const name = key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  return name === DOCKER_HUB ? 'docker.io' : name;
};

/** Lists a repository, the paths above it, and its registry at last. */
const withParents = (repository: string): string[] => {
  const parts = repository.split('/');
  return parts.map((_, cut) => parts.slice(0, parts.length - cut).join('/'));
};

const toAuth = ({ auth = '', identitytoken }: Entry, serveraddress: string): Docker.AuthConfigObject => {
  if (identitytoken) return { identitytoken, serveraddress };
  const [username = '', ...password] = Buffer.from(auth, 'base64').toString().split(':');
  return { username, password: password.join(':'), serveraddress };
};

/** The credentials of registries: a file that `podman login --authfile` or `docker login` writes, read for each pull. */
export class Credentials {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Returns the credentials for a repository, of the longest path that has some; `undefined` without any.
   * @param repository with its registry: `registry.example.com/shop/web`
   * @throws {Error} for a file that others can read, or of another form, and for credentials that a helper keeps
   */
  async of(repository: string): Promise<Docker.AuthConfigObject | undefined> {
    let text: string;
    try {
      text = await readPrivateFile(this.path, MAX_BYTES);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw new Error(
        `the file ${this.path} with the credentials of registries cannot be used: ${errorMessage(error)}`,
      );
    }
    const entries = new Map(
      Object.entries(parse(this.path, text)).map(([key, entry]) => [nameOf(key), entry]),
    );
    const found = withParents(repository).find((name) => entries.has(name));
    const entry = found === undefined ? undefined : entries.get(found);
    if (!entry) return undefined;
    if (!entry.auth && !entry.identitytoken)
      throw new Error(
        `the file ${this.path} has no password for ${found}: a credential helper keeps it, which is not asked; log in ` +
          'with podman login --authfile',
      );
    return toAuth(entry, repository.split('/')[0] ?? '');
  }
}
