/**
 * Puts the terminal into raw mode and reads its keys.
 * @returns a function that restores the terminal
 */
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
