// npm run mistify -- …: the command line in a checkout. It is built first when something has changed.
import { setUp } from './setup.mjs';

setUp({ realParts: false });
await import('../dist/lib/cli/main.js');
