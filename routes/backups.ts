import { deleteBackup } from '../handlers/backups/delete.js';
import { downloadBackupDisk } from '../handlers/backups/download-disk.js';
import { getBackup } from '../handlers/backups/get.js';
import { listBackups } from '../handlers/backups/list.js';
import { pruneBackups } from '../handlers/backups/prune.js';
import { restoreBackup } from '../handlers/backups/restore.js';
import { verifyBackup } from '../handlers/backups/verify.js';
import { createBackup } from '../handlers/guests/backups/create.js';
import { listGuestBackups } from '../handlers/guests/backups/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { backupDiskParams, backupParams, guestParams } from './schemas/params.js';
import { restorePayload } from './schemas/payloads.js';
import { backupsQuery, diskDownloadQuery, guestBackupsQuery, jobQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const list = { status: 200, description: 'Backups, newest first', schema: replies.backups } as const;

export const backupRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/backups',
    operationId: 'listBackups',
    summary: 'List the backups in the repository',
    can: 'look',
    over: 'some',
    tags: ['backups'],
    query: backupsQuery,
    callsSubAgent: true,
    reply: list,
    handler: listBackups,
  }),
  route({
    method: 'POST',
    path: '/backups/prune',
    operationId: 'pruneBackups',
    summary: 'Free the room of deleted backups',
    can: 'host',
    tags: ['backups'],
    query: jobQuery,
    reply: { status: 202, description: 'The job was queued', schema: replies.nothing },
    handler: pruneBackups,
  }),
  route({
    method: 'GET',
    path: '/backups/{backupID}',
    operationId: 'getBackup',
    summary: 'Get a backup and the record of its guest',
    can: 'look',
    over: 'some',
    tags: ['backups'],
    params: backupParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The backup', schema: replies.backupDetails },
    handler: getBackup,
  }),
  route({
    method: 'DELETE',
    path: '/backups/{backupID}',
    operationId: 'deleteBackup',
    summary: 'Delete a backup',
    can: 'backup',
    over: 'some',
    tags: ['backups'],
    params: backupParams,
    query: jobQuery,
    reply: { status: 202, description: 'The job was queued', schema: replies.nothing },
    handler: deleteBackup,
  }),
  route({
    method: 'POST',
    path: '/backups/{backupID}/verify',
    operationId: 'verifyBackup',
    summary: 'Read a backup completely and compare it with what was written',
    can: 'backup',
    over: 'some',
    tags: ['backups'],
    params: backupParams,
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job was queued; the backup is as before',
      schema: replies.backup,
    },
    handler: verifyBackup,
  }),
  route({
    method: 'POST',
    path: '/backups/{backupID}/restore',
    operationId: 'restoreBackup',
    summary: 'Restore a backup into its guest, or as a new guest',
    can: 'backup',
    over: 'some',
    tags: ['backups'],
    params: backupParams,
    query: jobQuery,
    payload: restorePayload,
    reply: {
      status: 202,
      description: 'The job was queued; the guest is as before, or not made yet',
      schema: replies.guest,
    },
    handler: restoreBackup,
  }),
  route({
    method: 'GET',
    path: '/backups/{backupID}/disks/{disk}/download',
    operationId: 'downloadBackupDisk',
    summary: 'Download a disk of a backup',
    can: 'content',
    over: 'some',
    tags: ['backups'],
    params: backupDiskParams,
    query: diskDownloadQuery,
    callsSubAgent: true,
    reply: { status: 200, description: "The disk's bytes", type: 'application/octet-stream' },
    handler: downloadBackupDisk,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/backups',
    operationId: 'listGuestBackups',
    summary: 'List the backups of a guest',
    can: 'look',
    tags: ['backups'],
    params: guestParams,
    query: guestBackupsQuery,
    callsSubAgent: true,
    reply: list,
    handler: listGuestBackups,
  }),
  route({
    method: 'POST',
    path: '/guests/{guestID}/backups',
    operationId: 'createBackup',
    summary: 'Back a guest up',
    can: 'backup',
    tags: ['backups'],
    params: guestParams,
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job was queued; the backup has no more than its id yet',
      schema: replies.backup,
    },
    handler: createBackup,
  }),
];
