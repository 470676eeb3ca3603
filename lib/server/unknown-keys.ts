/** The most unknown keys that a header or an error names. */
const MAX_NAMED = 20;
const MAX_NAME_LENGTH = 64;

/** The path of a key as joi reports it: names, and the numbers of list items. */
type KeyPath = readonly (string | number)[];

/** Shortens a name, and replaces lone surrogates in it, which JSON permits and `encodeURI` rejects. */
const shortened = (name: string): string =>
  Buffer.from(name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name).toString();

/** Formats a path: `disks[0].colour`. */
const formatPath = (path: KeyPath): string =>
  path
    .map((part, depth) => {
      if (typeof part === 'number') return `[${part}]`;
      return depth === 0 ? shortened(part) : `.${shortened(part)}`;
    })
    .join('');

/** Percent-encodes a name for a list in a header. */
const toHeaderItem = (name: string): string =>
  encodeURI(name).replaceAll(',', '%2C').replaceAll('%5B', '[').replaceAll('%5D', ']');

/** The parts of a request that its endpoint does not know. */
export class UnknownKeys {
  readonly #names: string[] = [];
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  addKey(path: KeyPath): void {
    this.#add(() => formatPath(path));
  }

  addParameter(name: string): void {
    this.#add(() => `?${shortened(name)}`);
  }

  /** Adds the body of a request whose endpoint takes none. */
  addBody(): void {
    this.#add(() => '(body)');
  }

  /** Formats them as the value of a header. */
  header(): string {
    return this.#list(toHeaderItem);
  }

  /** The message of the request's rejection. */
  message(): string {
    const names = this.#list((name) => `"${name}"`);
    return `not known here: ${names}: correct the spelling, or leave out what this endpoint does not support`;
  }

  #list(format: (name: string) => string): string {
    const more = this.#count - this.#names.length;
    return [...this.#names.map(format), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  }

  #add(name: () => string): void {
    this.#count += 1;
    if (this.#names.length < MAX_NAMED) this.#names.push(name());
  }
}
