export type { Console, TerminalSize } from '../http/websocket/console.js';
export type { GuestAction } from '../model/actions.js';
export type { AuditFilter, AuditRecord } from '../model/audit.js';
export type { Backup, PendingBackup } from '../model/backup.js';
export type { BackupDetails } from '../model/backup-details.js';
export type {
  CatalogueImage,
  CatalogueListing,
  CatalogueQuery,
  CatalogueSource,
} from '../model/catalogue.js';
export type { CloneRequest } from '../model/clone.js';
export type { DiskPatch, NewDisk } from '../model/disk-changes.js';
export type { DiskUse } from '../model/disk-use.js';
export type { ExecRequest, ExecResult } from '../model/exec.js';
export type { FleetHost, FleetHostDetails } from '../model/fleet-host.js';
export type { Disk, Guest, Metadata, Nic } from '../model/guest.js';
export type { GuestAddress } from '../model/guest-addresses.js';
export type { GuestAgentInfo } from '../model/guest-agent.js';
export type { GuestPatch } from '../model/guest-patch.js';
export type { History, HistoryPoint, HistoryRange } from '../model/history.js';
export type {
  HostDetails,
  HostPart,
  HostProblem,
  HostSpace,
} from '../model/host-details.js';
export type { HostNetwork, HostNetworks } from '../model/host-networks.js';
export type { HostProgram } from '../model/host-program.js';
export type { HostPhase, HostStatus, WaitingGuest } from '../model/host-status.js';
export type { Image, ImageFetch } from '../model/image.js';
export type { PasswordChange, SshKeys, Trim } from '../model/in-guest.js';
export type { Job, JobStatus } from '../model/job.js';
export type { CpuMetrics, DiskMetrics, GuestMetrics, NicMetrics } from '../model/metrics.js';
export type { NicPatch, NicSpec } from '../model/nic-changes.js';
export type { RestoreRequest } from '../model/restore.js';
export type {
  GuestRun,
  Keep,
  Schedule,
  ScheduleDetails,
  ScheduleGuest,
  SchedulePatch,
  ScheduleSpec,
  ScheduleStatus,
} from '../model/schedule.js';
export type { ServiceStatus } from '../model/service-status.js';
export type { Snapshot } from '../model/snapshot.js';
export type { StorageSpace } from '../model/storage-space.js';
export type { NewVolume, Volume, VolumePrune } from '../model/volume.js';
export type { PendingVolumeBackup, VolumeBackup, VolumeRestore } from '../model/volume-backup.js';
export type { WarmRequest } from '../model/warm.js';
export type { AgentOf, WriteFileOptions } from './agent-of.js';
export type { OpenedConsole, SerialConsoleOptions } from './console.js';
export type { DiskDownloadOptions } from './disk-download.js';
export { JobError, MistifyError } from './errors.js';
export type { AgentEvent, EventsOptions } from './events.js';
export type { RunningProgram } from './exec.js';
export type { ExportOptions, GuestExport, ImportOptions } from './guest-files.js';
export type { ActionOptions, DiskRemovalOptions } from './guest-options.js';
export type { GuestSpec } from './guest-spec.js';
export type { ImageUploadOptions, UploadSource } from './image-upload.js';
export { MistifyClient } from './mistify-client.js';
export type { ClientOptions } from './options.js';
export type { ListOptions, Page } from './pages.js';
export type { RollbackOptions, SnapshotOptions } from './snapshots.js';
export type { Accepted, ChangeOptions, ConditionalOptions, JobOptions } from './submit.js';
export type { Tagged } from './tagged.js';
export type { CallOptions, Download } from './transport.js';
export type { WaitOptions } from './wait-for-job.js';
