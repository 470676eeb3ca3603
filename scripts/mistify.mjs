// npm run mistify -- …: builds what has changed and runs the mistify command line.
import { setUp } from './setup.mjs';
import { enterUsersDirectory } from './users-directory.mjs';

setUp({ guestPackages: false });
enterUsersDirectory();
await import('../dist/lib/cli/main.js');
