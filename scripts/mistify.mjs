// npm run mistify -- …: builds what has changed and runs the mistify command line.
import { setUp } from './setup.mjs';

setUp({ guestPackages: false });
await import('../dist/lib/cli/main.js');
