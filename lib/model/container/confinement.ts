/** What the processes of a container may do, within what its host allows. */
export interface ContainerConfinement {
  /** Linux capabilities that it has besides those of every container. */
  capAdd?: string[];
  /** Linux capabilities that it lacks; `ALL` for all of them. */
  capDrop?: string[];
  /** The most processes and threads. */
  pidsLimit?: number;
  /** Whether programs gain no privileges by set-user-ID bits and file capabilities: PR_SET_NO_NEW_PRIVS(2const). */
  noNewPrivileges?: boolean;
}
