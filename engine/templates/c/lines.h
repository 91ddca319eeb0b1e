/* What is written: the part that can be tested without a sandbox. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text of so many bytes, which may hold anything, ends of lines and NUL too. */
typedef struct {
  const uint8_t *bytes;
  size_t length;
} text;

/* What is written of a VM. */
typedef struct {
  text uuid, fqan;
  bool has_wall;
  uint64_t wall_seconds;
} vm;

/* Bytes that line() writes at most. */
size_t line_room(const vm *vm, text separator);

/* A line: its id, its VO and for how long it has run, in seconds. What is not known stays
 * empty: absent is not zero. Returns the end of what was written. */
char *line(char *to, const vm *vm, text separator);

#endif
