// npm run dev: runs the agent over the test-service, which needs no hypervisor. Rebuilds and restarts it after every
// change. Arguments go to the agent.
import { spawn } from 'node:child_process';
import { CONSOLE, setUp } from './setup.mjs';

setUp({ guestPackages: false });

const node = (...args) => spawn(process.execPath, args, { stdio: 'inherit' });
const children = [
  node('node_modules/typescript/bin/tsc', '--build', CONSOLE, '--watch', '--preserveWatchOutput'),
  node(
    '--watch',
    'dist/routes/program/mistify-agent.js',
    '-c',
    'config/test-service.json',
    '-c',
    'config/dev.json',
    ...process.argv.slice(2),
  ),
];

const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
for (const child of children) child.once('exit', stop);
