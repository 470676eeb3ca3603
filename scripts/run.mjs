// npm run demo, bench, …: sets up what is missing, builds, and runs the script that the first argument names. The other
// arguments go to the script.
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';
import { asksForHelp, enterUsersDirectory } from './users-directory.mjs';

const script = new URL(`../dist/scripts/${process.argv[2]}.js`, import.meta.url);
setUp({ guestPackages: !asksForHelp() });
enterUsersDirectory();
process.argv.splice(1, 2, fileURLToPath(script));
await import(script.href);
