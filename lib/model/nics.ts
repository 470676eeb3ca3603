/** The `network` of a NIC that shares the host's own connection (QEMU's `user` netdev) and joins no bridge. */
export const USER_NETWORK = 'user';
