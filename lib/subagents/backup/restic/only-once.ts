type Lock = readonly string[];

/**
 * Makes a read that may be repeated until it has passed something on: that cannot be taken back, so a second attempt would
 * append the whole to a part.
 * @param read calls `begins` before it passes something on
 */
export const onlyOnce = (read: (lock: Lock, begins: () => void) => Promise<void>) => {
  let hasBegun = false;
  return async (lock: Lock): Promise<void> => {
    if (hasBegun) throw new Error('the repository became full or locked while a backup was read');
    await read(lock, () => {
      hasBegun = true;
    });
  };
};
