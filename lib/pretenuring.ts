import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 allocate nothing old at once (`node --v8-options`: `--allocation-site-pretenuring`). It does that with what comes
 * from code whose objects lived long when it looked. While the state of many guests is read all objects do, and some of
 * that code serves requests afterwards: a fifth of all that they made was old garbage then, and each took half as long
 * again.
 */
export const stopPretenuring = (): void => setFlagsFromString('--no-allocation-site-pretenuring');
