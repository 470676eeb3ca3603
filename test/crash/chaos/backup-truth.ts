import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { errorMessage } from '../../../lib/errors.js';
import { type BackupOwner, UNKNOWN } from './backup-owner.js';
import { byteIn, checkDisk, DISKS, readDisk } from './disks.js';
import { listProcesses } from './processes.js';
import type { World } from './world.js';

const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);

/** Whether a program belongs to a backup; the agent asks for the addresses of guests with ip(8) all the time. */
const isHelper = ({ commandLine }: { commandLine: string }): boolean =>
  !commandLine.startsWith('setpriv ') && !commandLine.startsWith('ip ');

/** What must have ended: jobs, programs, locks in the repository, and what open disks need. */
const checkLeftovers = async (world: World): Promise<string[]> => {
  const jobs = (await world.client.jobs.list()).items.filter(
    ({ Status }) => Status === 'Queued' || Status === 'Running',
  );
  const tools = (await listProcesses()).filter(({ kind }) => kind === 'tool').filter(isHelper);
  const dirs = [
    join(world.backupDir, 'repository/locks'),
    join(world.backupDir, 'runs'),
    join(world.storageDir, 'backups'),
    join(world.storageDir, 'journal'),
  ];
  const left = await Promise.all(dirs.map(async (dir) => (await list(dir)).map((name) => `${dir}/${name}`)));
  const sockets = (await list(world.runDir)).filter((name) => name.endsWith('.backup'));
  return [
    ...jobs.map(({ ID, Action }) => `job ${ID} (${Action}) has not ended`),
    ...tools.map(({ pid, commandLine }) => `process ${pid} is left: ${commandLine.slice(0, 200)}`),
    ...[...left.flat(), ...sockets].map((path) => `${path} is left`),
  ];
};

/** Compares the disks of a guest with what its client knows. */
const checkGuest = async (world: World, { id, bytes }: BackupOwner): Promise<string[]> => {
  const found: string[] = [];
  if (!(await list(join(world.storageDir, 'guests'))).includes(id)) return found;
  if ((await list(join(world.storageDir, 'guests', id))).includes('rollback'))
    found.push(`${id} is marked, and does not start`);
  const contents = [];
  for (let disk = 0; disk < DISKS; disk += 1) {
    await checkDisk(world, id, disk);
    contents.push(await readDisk(world, id, disk));
  }
  const snapshots = contents.flatMap((content) => content.snapshots.map(({ name }) => name));
  if (snapshots.length > 0) found.push(`${id} has the snapshots ${snapshots.join(', ')}`);
  const isKnown = !bytes.includes(UNKNOWN);
  const [first] = contents;
  const isSame = contents.every(({ byte }) => byte === first?.byte);
  if (isKnown && (!isSame || !bytes.includes(first?.byte ?? UNKNOWN)))
    found.push(
      `${id} is filled with ${contents.map(({ byte }) => byte).join(' and ')}, not ${bytes.join(' or ')}`,
    );
  return found;
};

/** Verifies a listed backup, and compares the content of its disks with what they had. */
const checkBackup = async (world: World, id: string, byte: number | undefined): Promise<string[]> => {
  const { client } = world;
  const found: string[] = [];
  try {
    const { jobId } = await client.backups.verify(id);
    await client.waitForJob(jobId);
  } catch (error) {
    return [`backup ${id} is listed and cannot be verified: ${errorMessage(error)}`];
  }
  for (let disk = 0; disk < DISKS; disk += 1) {
    const { bytes } = await client.backups.download(id, String(disk));
    const content = byteIn(await buffer(bytes));
    if (byte !== undefined && byte !== UNKNOWN && content !== byte)
      found.push(`disk ${disk} of backup ${id} is filled with ${content}, not ${byte}`);
  }
  return found;
};

/** Lets a guest start, and run. */
const checkStart = async ({ client }: World, { id }: BackupOwner): Promise<string[]> => {
  try {
    const { jobId } = await client.guests.perform(id, 'start');
    await client.waitForJob(jobId);
    const { state } = await client.guests.get(id);
    return state === 'running' ? [] : [`${id} was started, and is ${state}`];
  } catch (error) {
    return [`${id} does not start: ${errorMessage(error)}`];
  }
};

/**
 * Compares the backups that are listed, and the guests, with what their clients know.
 * @param isLast whether to compare all backups, and not only those that were not compared in an earlier round
 * @returns the differences
 */
export const compareBackups = async (
  world: World,
  owners: readonly BackupOwner[],
  isLast: boolean,
): Promise<string[]> => {
  const resting = await checkLeftovers(world);
  if (resting.length > 0) return resting;
  const found: string[] = [];
  for (const { id, guest } of (await world.client.backups.list()).items) {
    const owner = owners.find((other) => other.id === guest);
    if (owner?.compared.has(id) && !isLast) continue;
    const differences = await checkBackup(world, id, owner?.backups.get(id));
    if (differences.length === 0) owner?.compared.add(id);
    found.push(...differences);
  }
  const guests = (await world.client.guests.list()).items;
  for (const owner of owners) {
    const guest = guests.find(({ id }) => id === owner.id);
    if (!guest || guest.state === 'error') continue;
    found.push(...(await checkGuest(world, owner)), ...(await checkStart(world, owner)));
  }
  return [...found, ...(await checkLeftovers(world))];
};
