/** What a guest that has lost its TPM says, in its warnings and in the refusal of a reset. */
export const LOST_TPM =
  'its TPM has ended, and a reset would end its QEMU: shut the guest down or power it off, then start it';
