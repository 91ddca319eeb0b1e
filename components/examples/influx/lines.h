/* InfluxDB's line protocol: the part that can be tested without a sandbox.
 * https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ */
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

text text_of(const char *string);

/* Text that grows. Ends the program where there is no memory: a trap. */
typedef struct {
  char *bytes;
  size_t length, room;
} buffer;

/* A line is: begin_line, tags, fields, end_line. What is not known is left out, as a tag or
 * a field that is not there is not zero. */
void begin_line(buffer *to, const char *measurement);
void tag(buffer *to, const char *name, text value);
void whole(buffer *to, const char *name, bool known, uint64_t value);
void number(buffer *to, const char *name, text suffix, double value);
/* Whether it has a field. A line without one is none, and is taken back. */
bool end_line(buffer *to, int64_t seconds);

#endif
