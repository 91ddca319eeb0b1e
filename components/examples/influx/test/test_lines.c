#include <stdio.h>
#include <string.h>

#include "../lines.h"

static int failed;

static void expect(buffer *found, const char *expected) {
  if (found->length != strlen(expected) || memcmp(found->bytes, expected, found->length)) {
    fprintf(stderr, "found    %.*sexpected %s", (int)found->length, found->bytes, expected);
    failed = 1;
  }
  found->length = 0;
}

int main(void) {
  buffer to = {0};
  begin_line(&to, "caso_vm");
  tag(&to, "vo", text_of("a b,c=d\\\ne"));
  tag(&to, "user", text_of(""));
  whole(&to, "wall_seconds", true, 60);
  whole(&to, "cpu_seconds", false, 0);
  number(&to, "cpus", text_of(""), 0.5);
  end_line(&to, 1793491200);
  expect(&to, "caso_vm,vo=a\\ b\\,c\\=d\\\\_e wall_seconds=60i,cpus=0.5 1793491200000000000\n");
  begin_line(&to, "caso_vm");
  tag(&to, "vo", text_of("x"));
  if (end_line(&to, 0)) failed = 1;
  expect(&to, "");
  if (!failed) puts("ok");
  return failed;
}
