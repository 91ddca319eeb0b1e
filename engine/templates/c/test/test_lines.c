#include <stdio.h>
#include <string.h>

#include "../lines.h"

static text of(const char *string) {
  text text = {(const uint8_t *)string, strlen(string)};
  return text;
}

static int failed;

static void expect(vm vm, const char *expected) {
  char found[200];
  char *end = line(found, &vm, of(";"));
  *end = 0;
  if (strcmp(found, expected)) {
    fprintf(stderr, "found    %sexpected %s", found, expected);
    failed = 1;
  }
}

int main(void) {
  expect((vm){of("a"), of("vo.example.org"), true, 60}, "a;vo.example.org;60\n");
  expect((vm){of("b\nc"), of("vo.example.org"), false, 0}, "b c;vo.example.org;\n");
  if (!failed) puts("ok");
  return failed;
}
