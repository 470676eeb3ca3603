/** Reads the keys of the terminal as they are until what is returned is called. */
export const rawKeys = (onKeys: (typed: Buffer) => void): (() => void) => {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on('data', onKeys);
  return () => {
    stdin.off('data', onKeys);
    stdin.setRawMode(false);
    stdin.pause();
  };
};
