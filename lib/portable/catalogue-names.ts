interface Named {
  id: string;
  aliases: readonly string[];
}

/** People write debian-13, debian:13 and debian/13. */
const plain = (name: string): string => name.toLowerCase().replace(/[/:]/g, '-');

/** Finds the image that a name means: its id, an alias, or one of them with other separators. */
export const findByName = <Image extends Named>(
  images: readonly Image[],
  name: string,
): Image | undefined => {
  const wanted = plain(name);
  return (
    images.find(({ id }) => id === name) ??
    images.find(({ aliases }) => aliases.includes(name)) ??
    images.find(({ id }) => plain(id) === wanted) ??
    images.find(({ aliases }) => aliases.some((alias) => plain(alias) === wanted))
  );
};
