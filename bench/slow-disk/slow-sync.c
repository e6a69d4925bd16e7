// Loaded before libc (LD_PRELOAD): while the file that SLOW_SYNC_FILE names exists, each fdatasync and fsync takes SLOW_SYNC_MS longer,
// in the thread that called, as on a disk that is busy or worn out.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void hold(void) {
  const char *file = getenv("SLOW_SYNC_FILE");
  const char *ms = getenv("SLOW_SYNC_MS");
  if (file == NULL || ms == NULL || access(file, F_OK) != 0) return;
  const long wait = atol(ms);
  const struct timespec time = {wait / 1000, wait % 1000 * 1000000};
  nanosleep(&time, NULL);
}

int fdatasync(int fd) {
  hold();
  return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
  hold();
  return (int)syscall(SYS_fsync, fd);
}
