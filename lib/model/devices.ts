export const VIDEO_MODELS = ['std', 'virtio', 'none'] as const;
export const WATCHDOG_ACTIONS = ['none', 'reset', 'poweroff', 'pause'] as const;

/** Small devices of a virtual machine, which change at its next start. A guest of an earlier version has none of them. */
export interface Devices {
  /** A pointer with absolute positions, so that the viewer's and the guest's pointers agree. */
  tablet: boolean;
  /** `std` is a VGA card that every system knows. */
  video: (typeof VIDEO_MODELS)[number];
  /** What QEMU does with a guest that has stopped to serve its watchdog; `none` for no watchdog. */
  watchdog: (typeof WATCHDOG_ACTIONS)[number];
  /** Tells the guest when it was rolled back: Microsoft's Virtual Machine Generation ID. */
  vmgenid: boolean;
}

/** The devices of a new guest, unless it names others. */
export const NEW_DEVICES: Devices = { tablet: true, video: 'std', watchdog: 'none', vmgenid: true };

/** The devices of a guest of the versions that recorded none. */
export const EARLIER_DEVICES: Devices = { tablet: false, video: 'std', watchdog: 'none', vmgenid: false };
