#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the line began, and whether it has a field. */
static size_t began;
static bool has_field;

text text_of(const char *string) {
  text text = {(const uint8_t *)string, strlen(string)};
  return text;
}

static void add(buffer *to, const char *bytes, size_t length) {
  if (to->length + length > to->room) {
    to->room = 2 * (to->length + length) + 1024;
    to->bytes = realloc(to->bytes, to->room);
    if (!to->bytes) abort();
  }
  memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

/* A name or a tag's value: commas, blanks and equals signs stand behind a backslash; there is
 * no way to write an end of a line. */
static void escaped(buffer *to, text text) {
  for (size_t i = 0; i < text.length; i++) {
    char byte = (char)text.bytes[i];
    if (byte == '\n' || byte == '\r' || byte == '\0' || byte == '\t') byte = '_';
    if (byte == ',' || byte == ' ' || byte == '=' || byte == '\\') add(to, "\\", 1);
    add(to, &byte, 1);
  }
}

void begin_line(buffer *to, const char *measurement) {
  began = to->length;
  has_field = false;
  escaped(to, text_of(measurement));
}

void tag(buffer *to, const char *name, text value) {
  if (!value.length) return;
  add(to, ",", 1);
  escaped(to, text_of(name));
  add(to, "=", 1);
  escaped(to, value);
}

static void field(buffer *to, const char *name, text suffix) {
  add(to, has_field ? "," : " ", 1);
  has_field = true;
  escaped(to, text_of(name));
  escaped(to, suffix);
  add(to, "=", 1);
}

void whole(buffer *to, const char *name, bool known, uint64_t value) {
  char digits[32];
  if (!known) return;
  field(to, name, text_of(""));
  /* Signed: what does not fit is none of ours. */
  if (value > INT64_MAX) value = INT64_MAX;
  add(to, digits, (size_t)sprintf(digits, "%llui", (unsigned long long)value));
}

void number(buffer *to, const char *name, text suffix, double value) {
  char digits[400];
  field(to, name, suffix);
  add(to, digits, (size_t)sprintf(digits, "%.17g", value));
}

bool end_line(buffer *to, int64_t seconds) {
  char digits[32];
  if (!has_field) {
    to->length = began;
    return false;
  }
  add(to, digits, (size_t)sprintf(digits, " %lld000000000\n", (long long)seconds));
  return true;
}
