/* What the C hosts of the tests share: a check that says where it failed, and what the library said. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vivant.h>

#define SECOND INT64_C(1000000000)

static void fail(const char *file, int line, const char *what) {
  char why[1024];
  vvt_last_error(why, sizeof why);
  fprintf(stderr, "%s:%d: %s; the last error was: %s\n", file, line, what, why);
  exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

#endif
