// npm start: sets up what is missing, builds, and runs the agent. Arguments go to the agent.
import { setUp } from './setup.mjs';

setUp({ guestPackages: true });
await import('../dist/routes/program/mistify-agent.js');
