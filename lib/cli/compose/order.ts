import { usageFailure } from '../failure.js';
import type { PodService } from './pod.js';

/**
 * Puts services behind those that they need.
 * @throws {Failure} for services that need each other
 */
export const inOrder = (services: readonly PodService[]): PodService[] => {
  const ordered: PodService[] = [];
  const visit = (service: PodService, path: readonly string[]): void => {
    if (ordered.includes(service)) return;
    if (path.includes(service.name))
      throw usageFailure(`services need each other: ${[...path, service.name].join(' → ')}`);
    for (const need of service.needs) {
      const needed = services.find(({ name }) => name === need.service);
      if (needed) visit(needed, [...path, service.name]);
    }
    ordered.push(service);
  };
  for (const service of services) visit(service, []);
  return ordered;
};
