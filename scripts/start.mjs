// npm start: sets up what is missing, builds, and runs the agent with the arguments given.
import { setUp } from './setup.mjs';

setUp({ realParts: true });
await import('../dist/routes/program/mistify-agent.js');
