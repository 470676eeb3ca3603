import { OWN_LABELS, type Volume } from '../../../model/volume.js';
import { GUEST_LABEL } from '../definition.js';
import { volumeName } from './names.js';
import { type EngineVolume, NO_USERS, SIZE_LABEL, TARGET_LABEL } from './store.js';

const ofImage = (labels: Readonly<Record<string, string>>): Pick<Volume, 'guest' | 'target'> => {
  const { [GUEST_LABEL]: guest, [TARGET_LABEL]: target } = labels;
  return guest && target ? { guest, target } : {};
};

const ownSize = (labels: Readonly<Record<string, string>>): { size?: number } => {
  const size = Number(labels[SIZE_LABEL]);
  return size > 0 ? { size } : {};
};

/** Converts the engine's volume to the agent's format. */
export const toVolume = (
  { Name, Labels, CreatedAt }: EngineVolume,
  { guests, isRunning } = NO_USERS,
): Volume => {
  const labels = Object.entries(Labels ?? {}).filter(([key]) => !key.startsWith(OWN_LABELS));
  return {
    name: volumeName(Name),
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...ownSize(Labels ?? {}),
    ...ofImage(Labels ?? {}),
    ...(CreatedAt ? { created: new Date(CreatedAt).toISOString() } : {}),
    guests: [...new Set(guests)].sort(),
    running: isRunning,
  };
};
