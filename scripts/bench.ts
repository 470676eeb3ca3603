import autocannon from 'autocannon';
import axios from 'axios';
import { MistifyClient } from '../lib/client/index.js';
import { GUESTS, type Measurement, measurements } from './bench/measurements.js';
import { startAgent, startBareHapi, type Target } from './bench/processes.js';

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 2;
const ROUND_SECONDS = 4;
const ROUNDS = 3;

interface Row {
  name: string;
  /** Requests a second: median, lowest and highest of the rounds. */
  agent: number[];
  bare: number[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Requests a second over some seconds. A single answer with another status spoils the figure, so it is an error. */
const load = async ({ url }: Target, measurement: Measurement, duration: number): Promise<number> => {
  const { method, path, body, status } = measurement;
  const result = await autocannon({
    url: `${url}${path}`,
    method,
    connections: CONNECTIONS,
    duration,
    ...(body === undefined ? {} : { body }),
  });
  const odd = result.errors + result.timeouts + result.non2xx;
  if (odd > 0) throw new Error(`${method} ${path}: ${odd} of the answers were not ${status}`);
  return result.requests.average;
};

const compare = async (agent: Target, bare: Target, measurement: Measurement): Promise<Row> => {
  const row: Row = { name: measurement.name, agent: [], bare: [] };
  for (const target of [agent, bare]) await load(target, measurement, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round += 1) {
    row.agent.push(await load(agent, measurement, ROUND_SECONDS));
    row.bare.push(await load(bare, measurement, ROUND_SECONDS));
  }
  return row;
};

const makeGuests = async (url: string): Promise<string> => {
  const client = new MistifyClient({ url });
  for (let made = 0; made < GUESTS; made += 1) {
    const { jobId } = await client.guests.create({ memory: 128, cpu: 1, disks: [{ size: 1024 }] });
    if (made === GUESTS - 1) await client.waitForJob(jobId);
  }
  const [guest] = (await client.guests.list()).items;
  return String(guest?.id);
};

/** What the agent answers to each, asked for one after the other: the last one makes a guest. */
const withAnswers = async (
  url: string,
  list: readonly Measurement[],
): Promise<(Measurement & { answer: string })[]> => {
  const answered = [];
  for (const measurement of list) {
    const { method, path, body } = measurement;
    const { data: answer } = await axios.request<string>({
      url: `${url}${path}`,
      method,
      data: body,
      responseType: 'text',
      transformResponse: (text: string) => text,
      proxy: false,
    });
    answered.push({ ...measurement, answer });
  }
  return answered;
};

const spread = (values: readonly number[]): string =>
  `${Math.round(median(values))} (${Math.round(Math.min(...values))}-${Math.round(Math.max(...values))})`;

const print = (rows: readonly Row[]): void => {
  console.log(
    `requests/s, ${CONNECTIONS} connections, median (lowest-highest) of ${ROUNDS} rounds of ${ROUND_SECONDS} s`,
  );
  console.table(
    Object.fromEntries(
      rows.map(({ name, agent, bare }) => [
        name,
        { agent: spread(agent), 'bare hapi': spread(bare), ratio: (median(agent) / median(bare)).toFixed(2) },
      ]),
    ),
  );
};

const main = async (): Promise<void> => {
  const agent = await startAgent();
  try {
    const list = measurements(await makeGuests(agent.url));
    const bare = await startBareHapi(await withAnswers(agent.url, list));
    try {
      const rows: Row[] = [];
      for (const measurement of list) rows.push(await compare(agent, bare, measurement));
      if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2));
      else print(rows);
    } finally {
      await bare.stop();
    }
  } finally {
    await agent.stop();
  }
};

await main();
