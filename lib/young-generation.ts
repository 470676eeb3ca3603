import { setFlagsFromString } from 'node:v8';

/**
 * Loads a program with a small young generation. V8 lets it grow with what survives in it, which all that is loaded
 * does, and does not take it back: a program at rest would have 48 MB of it.
 *
 * @param load to be called before anything large is imported
 */
export const withSmallYoungGeneration = async <Program>(load: () => Promise<Program>): Promise<Program> => {
  setFlagsFromString('--semi-space-growth-factor=1');
  const program = await load();
  setFlagsFromString('--semi-space-growth-factor=2');
  return program;
};

/**
 * Has V8 allocate nothing old at once. It does that with what comes from code whose objects lived long when it looked:
 * once the state of many guests has been read, some of that code serves requests. A fifth of all that they made was old
 * garbage then, and each request took half as long again.
 */
export const allocateYoung = (): void => setFlagsFromString('--no-allocation-site-pretenuring');
