import test from 'ava';
import { parseCounters } from '../../../../../lib/subagents/container/nics/metrics.js';

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     840       10    0    0    0     0          0         0      840       10    0    0    0     0       0          0
  eth0: 1234567890123 20    3    4    5     6          7         8       50       60   70   80   90     1       2          3
`;

test('reads the counters of each device from the kernel’s table', (t) => {
  const counters = parseCounters(NET_DEV);
  t.deepEqual([...counters.keys()], ['lo', 'eth0']);
  t.deepEqual(counters.get('eth0'), {
    ...{ rx_bytes: 1_234_567_890_123, rx_packets: 20, rx_errors: 3, rx_dropped: 4 },
    ...{ tx_bytes: 50, tx_packets: 60, tx_errors: 70, tx_dropped: 80 },
  });
});
