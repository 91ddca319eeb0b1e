#include "lines.h"

#include <stdio.h>
#include <string.h>

size_t line_room(const vm *vm, text separator) {
  return vm->uuid.length + vm->fqan.length + 2 * separator.length + 32;
}

/* On one line. */
static char *put(char *to, text text) {
  for (size_t i = 0; i < text.length; i++)
    *to++ = text.bytes[i] == '\n' || text.bytes[i] == '\r' ? ' ' : (char)text.bytes[i];
  return to;
}

char *line(char *to, const vm *vm, text separator) {
  to = put(to, vm->uuid);
  to = put(to, separator);
  to = put(to, vm->fqan);
  to = put(to, separator);
  if (vm->has_wall) to += sprintf(to, "%llu", (unsigned long long)vm->wall_seconds);
  *to++ = '\n';
  return to;
}
