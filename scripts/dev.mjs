// npm run dev: runs the agent over the test-service, which needs no hypervisor. Rebuilds and restarts it after every
// change. Arguments go to the agent.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CONSOLE, setUp } from './setup.mjs';
import { enterUsersDirectory } from './users-directory.mjs';

setUp({ guestPackages: false });
enterUsersDirectory();

const inPackage = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const node = (...args) => spawn(process.execPath, args, { stdio: 'inherit' });
const children = [
  node(
    inPackage('node_modules/typescript/bin/tsc'),
    '--build',
    inPackage(CONSOLE),
    '--watch',
    '--preserveWatchOutput',
  ),
  node(
    '--watch',
    inPackage('dist/routes/program/mistify-agent.js'),
    '-c',
    inPackage('config/test-service.json'),
    '-c',
    inPackage('config/dev.json'),
    ...process.argv.slice(2),
  ),
];

const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
for (const child of children) child.once('exit', stop);
