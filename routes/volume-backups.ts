import { deleteVolumeBackup } from '../handlers/volume-backups/delete.js';
import { listVolumeBackups } from '../handlers/volume-backups/list.js';
import { restoreVolumeBackup } from '../handlers/volume-backups/restore.js';
import { verifyVolumeBackup } from '../handlers/volume-backups/verify.js';
import { backUpVolume } from '../handlers/volumes/back-up.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { backupParams, volumeParams } from './schemas/params.js';
import { volumeRestorePayload } from './schemas/payloads.js';
import { jobQuery, volumeBackupsQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

export const volumeBackupRoutes: Route<Context>[] = [
  route({
    method: 'POST',
    path: '/volumes/{volumeName}/backups',
    operationId: 'backUpVolume',
    summary: 'Back the files of a volume up',
    can: 'backup',
    tags: ['volume backups'],
    params: volumeParams,
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job was queued; the backup has no more than its id and its volume yet',
      schema: replies.volumeBackup,
    },
    handler: backUpVolume,
  }),
  route({
    method: 'GET',
    path: '/volume_backups',
    operationId: 'listVolumeBackups',
    summary: 'List the backups of volumes in the repository',
    can: 'look',
    tags: ['volume backups'],
    query: volumeBackupsQuery,
    callsSubAgent: true,
    reply: { status: 200, description: 'Backups, newest first', schema: replies.volumeBackups },
    handler: listVolumeBackups,
  }),
  route({
    method: 'POST',
    path: '/volume_backups/{backupID}/restore',
    operationId: 'restoreVolumeBackup',
    summary: 'Make a new volume of a backup',
    can: 'host',
    tags: ['volume backups'],
    params: backupParams,
    query: jobQuery,
    payload: volumeRestorePayload,
    reply: { status: 202, description: 'The job was queued', schema: replies.volumes },
    handler: restoreVolumeBackup,
  }),
  route({
    method: 'POST',
    path: '/volume_backups/{backupID}/verify',
    operationId: 'verifyVolumeBackup',
    summary: 'Read the backup of a volume completely',
    can: 'backup',
    tags: ['volume backups'],
    params: backupParams,
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job was queued; the backup is as before',
      schema: replies.volumeBackup,
    },
    handler: verifyVolumeBackup,
  }),
  route({
    method: 'DELETE',
    path: '/volume_backups/{backupID}',
    operationId: 'deleteVolumeBackup',
    summary: 'Delete the backup of a volume',
    can: 'backup',
    tags: ['volume backups'],
    params: backupParams,
    query: jobQuery,
    reply: { status: 202, description: 'The job was queued', schema: replies.nothing },
    handler: deleteVolumeBackup,
  }),
];
