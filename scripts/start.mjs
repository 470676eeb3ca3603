// npm start: sets up what is missing, builds, and runs the agent. Arguments go to the agent. Without -c, it runs with
// config/demo.json, which lets `npm run demo` serve its image from loopback.
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';
import { asksForHelp, enterUsersDirectory } from './users-directory.mjs';

setUp({ guestPackages: !asksForHelp() });
enterUsersDirectory();
const hasConfig = process.argv.some((argument) => /^(-c|--config-file(=|$))/.test(argument));
if (!hasConfig) process.argv.push('-c', fileURLToPath(new URL('../config/demo.json', import.meta.url)));
await import('../dist/programs/agent/main.js');
