/** One kind of request, the same one to the agent and to the yardstick. */
export interface Measurement {
  name: string;
  method: 'GET' | 'POST';
  path: string;
  status: number;
  body?: string;
}

export const GUESTS = 100;

/** @param guestId a guest that is there */
export const measurements = (guestId: string): Measurement[] => [
  { name: 'one guest', method: 'GET', path: `/guests/${guestId}`, status: 200 },
  { name: `list of ${GUESTS} guests`, method: 'GET', path: '/guests', status: 200 },
  { name: 'cpu metrics', method: 'GET', path: `/guests/${guestId}/metrics/cpu`, status: 200 },
  { name: 'create a guest', method: 'POST', path: '/guests', status: 202, body: '{"memory":128,"cpu":1}' },
];
