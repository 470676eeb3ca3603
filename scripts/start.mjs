// npm start: sets up what is missing, builds, and runs the agent with the arguments given.
import { setUp } from './setup.mjs';

setUp({ realParts: true });
const { main } = await import('../dist/routes/main.js');
await main(process.argv.slice(2));
