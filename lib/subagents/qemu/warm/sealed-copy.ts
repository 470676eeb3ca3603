import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** The number of memfd_create(2), which Node does not call. */
const MEMFD_CREATE: Partial<Record<NodeJS.Architecture, number>> = { x64: 319, arm64: 279 };

/**
 * Copies a file into a memfd, holes as holes, and seals it: no process can change it from then on, not even its owner.
 * Prints the descriptor and keeps it open until its standard input ends. MFD_ALLOW_SEALING is 2. MFD_NOEXEC_SEAL, 8, which some
 * hosts demand (sysctl vm.memfd_noexec), is unknown to Linux before 6.3 (EINVAL, 22). F_ADD_SEALS is 1033, and the seals SEAL,
 * SHRINK, GROW and WRITE add up to 15.
 */
const SCRIPT = `
use strict;
my ($call, $path) = @ARGV;
my $name = 'mistify-warm';
my $fd = syscall($call + 0, $name, 10);
$fd = syscall($call + 0, $name, 2) if $fd < 0 && $! == 22;
die "memfd_create: $!\\n" if $fd < 0;
open(my $out, '+>&=', $fd) or die "memfd: $!\\n";
open(my $in, '<:raw', $path) or die "$path: $!\\n";
binmode $out;
truncate($out, -s $in) or die "memfd: $!\\n";
my $zeros = "\\0" x 65536;
while (1) {
  my $count = sysread($in, my $buffer, 65536);
  die "$path: $!\\n" unless defined $count;
  last unless $count;
  if ($buffer eq substr($zeros, 0, $count)) { sysseek($out, $count, 1); next; }
  for (my $done = 0; $done < $count;) {
    my $written = syswrite($out, $buffer, $count - $done, $done);
    die "memfd: $!\\n" unless defined $written;
    $done += $written;
  }
}
fcntl($out, 1033, 15) or die "seals: $!\\n";
$| = 1;
print "$fd\\n";
<STDIN>;
`;

/**
 * Copies a file into memory that no process can change: a sealed memfd, which lasts as long as it is open or mapped.
 * @throws with the reason when that fails, or Perl is not installed
 */
export const sealedCopy = async (path: string): Promise<FileHandle> => {
  const call = MEMFD_CREATE[process.arch];
  if (call === undefined) throw new Error(`memory cannot be shared on ${process.arch}`);
  const child = spawn('perl', ['-e', SCRIPT, String(call), path], {
    stdio: 'pipe',
    env: { PATH: process.env.PATH },
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`memory cannot be shared without perl: ${error.message}`)),
    );
    child.once('close', () => reject(new Error('perl ended before it had copied the memory')));
  });
  failed.catch(() => undefined);
  const problem = text(child.stderr);
  problem.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value: fd, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error(`the memory was not copied: ${(await problem).trim() || 'perl has failed'}`);
    return await open(`/proc/${child.pid}/fd/${fd}`, 'r');
  } finally {
    child.stdin.end();
  }
};
