/* A wrong system clock for one process: the offset in seconds is read from a file at each call. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t offset(void) {
  const char *path = getenv("CLOCK_OFFSET_FILE");
  FILE *file = path != NULL ? fopen(path, "r") : NULL;
  long seconds = 0;
  if (file != NULL) {
    if (fscanf(file, "%ld", &seconds) != 1) {
      seconds = 0;
    }
    fclose(file);
  }
  return (time_t)seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) {
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  }
  const int status = real(id, now);
  if (status == 0 && id == CLOCK_REALTIME) {
    now->tv_sec += offset();
  }
  return status;
}

time_t time(time_t *now) {
  struct timespec both;
  clock_gettime(CLOCK_REALTIME, &both);
  if (now != NULL) {
    *now = both.tv_sec;
  }
  return both.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  struct timespec both;
  clock_gettime(CLOCK_REALTIME, &both);
  now->tv_sec = both.tv_sec;
  now->tv_usec = both.tv_nsec / 1000;
  return 0;
}
