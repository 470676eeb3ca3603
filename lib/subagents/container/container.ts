import type { ContainerInspectInfo } from 'dockerode';
import type { Nic } from '../../model/guest.js';
import type { ProgramRun } from '../../model/program-run.js';
import { nicsOf } from './definition.js';
import type { Bind } from './mounts/bind.js';
import type { Joined } from './nics/engine-devices.js';
import { type ContainerState, programRunOf, reasonOf, stateOf } from './state.js';

/** A guest's container, as inspected at one moment. */
export interface Container {
  /** The guest's id. */
  id: string;
  /** The engine's id, which stays whatever name the container has. */
  engineId: string;
  name: string;
  state: ContainerState;
  /** Why it is in that state, if the engine says so. */
  reason: string | undefined;
  /** The latest run of its program; `undefined` before its first start. */
  program: ProgramRun | undefined;
  nics: Nic[];
  binds: Bind[];
  /** The pid of its first process; 0 when it is not running. */
  pid: number;
  /** The id of its image. */
  image: string;
  /** Its endpoints, by the name of their engine network. */
  endpoints: Readonly<Record<string, Joined>>;
}

/** @param id the guest's id */
export const toContainer = (
  id: string,
  { Id, Name, State, Config, Image, NetworkSettings, RestartCount, Mounts = [] }: ContainerInspectInfo,
): Container => ({
  id,
  engineId: Id,
  name: Name.replace(/^\//, ''),
  state: stateOf(State),
  reason: reasonOf(State),
  program: programRunOf(State, RestartCount),
  nics: nicsOf(Config.Labels),
  binds: Mounts.flatMap(({ Type, Source, RW }) =>
    Type === 'bind' ? [{ source: Source, readOnly: !RW }] : [],
  ),
  pid: State.Pid,
  image: Image,
  endpoints: NetworkSettings.Networks,
});
