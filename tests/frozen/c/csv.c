/* A messenger in C: one line of CSV a VM, into a queue or over a connection.
 *
 * It needs neither WASI nor stdio: malloc, string.h and sprintf are enough, which keeps
 * the component at some 40 kB. Built by build.sh.
 *
 * We free what the generated code hands to us (with the *_free functions). The host frees
 * what we return, so that must come from malloc: messenger_string_dup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messenger.h"

typedef caso_accounting_records_cloud_record_t cloud_record;
typedef caso_accounting_deliveries_answer_t answer;
typedef caso_accounting_descriptions_option_description_t option_description;
typedef caso_accounting_descriptions_capability_request_t capability_request;
typedef caso_accounting_connection_connection_error_t connection_error;

/* Where to deliver: which of the two options the site has set. */
static bool to_queue, to_server;

static void option(option_description *option, const char *name, const char *help) {
  memset(option, 0, sizeof *option);
  messenger_string_dup(&option->name, name);
  messenger_string_dup(&option->help, help);
  option->kind.tag = CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_TEXT;
}

static void capability(capability_request *request, const char *name, const char *kind,
                       const char *target) {
  memset(request, 0, sizeof *request);
  messenger_string_dup(&request->name, name);
  messenger_string_dup(&request->kind, kind);
  messenger_string_dup(&request->target, target);
}

void exports_caso_accounting_description_describe(
    caso_accounting_descriptions_component_description_t *ret) {
  memset(ret, 0, sizeof *ret);
  messenger_string_dup(&ret->name, "c-csv");
  messenger_string_dup(&ret->summary, "VMs as CSV, written in C");
  messenger_string_dup(&ret->version, "1.0.0");
  ret->record_types.ptr = malloc(sizeof *ret->record_types.ptr);
  ret->record_types.len = 1;
  messenger_string_dup(&ret->record_types.ptr[0], "cloud");
  ret->options.ptr = malloc(2 * sizeof *ret->options.ptr);
  ret->options.len = 2;
  option(&ret->options.ptr[0], "output_path", "Queue for the messages");
  option(&ret->options.ptr[1], "server", "host:port for the messages");
  ret->capabilities.ptr = malloc(2 * sizeof *ret->capabilities.ptr);
  ret->capabilities.len = 2;
  capability(&ret->capabilities.ptr[0], "outgoing", "queue", "${output_path}");
  capability(&ret->capabilities.ptr[1], "server", "connection", "${server}");
}

static bool is(const messenger_string_t *string, const char *text) {
  return string->len == strlen(text) && !memcmp(string->ptr, text, string->len);
}

bool exports_caso_accounting_delivery_start(caso_accounting_types_setup_t *setup,
                                            caso_accounting_types_start_error_t *err) {
  for (size_t i = 0; i < setup->settings.len; i++) {
    to_queue |= is(&setup->settings.ptr[i].name, "output_path");
    to_server |= is(&setup->settings.ptr[i].name, "server");
  }
  caso_accounting_types_setup_free(setup);
  if (to_queue || to_server) return true;
  err->tag = CASO_ACCOUNTING_TYPES_START_ERROR_MISCONFIGURED;
  messenger_string_dup(&err->val.misconfigured, "set `output_path` or `server`");
  return false;
}

/* Writes a text as a CSV field: in quotes, with quotes inside doubled, and a comma.
 * Returns the end of what was written. */
static char *quoted(char *to, const messenger_string_t *text) {
  *to++ = '"';
  for (size_t i = 0; i < text->len; i++) {
    if (text->ptr[i] == '"') *to++ = '"';
    *to++ = text->ptr[i];
  }
  *to++ = '"';
  *to++ = ',';
  return to;
}

/* The batch as CSV, in a buffer that the caller frees. */
static messenger_list_u8_t csv(const cloud_record *records, size_t count) {
  static const char head[] = "uuid,fqan,status,start,wall_seconds,cpu_seconds\n";
  /* A text may consist of quotes; three numbers of at most 20 digits follow. */
  size_t room = sizeof head;
  for (size_t i = 0; i < count; i++)
    room += 2 * (records[i].vm_uuid.len + records[i].fqan.len + records[i].status.len) + 128;
  char *text = malloc(room), *to = text;
  if (!text) abort(); /* A trap: the host then offers the batch in halves. */
  to += sprintf(to, "%s", head);
  for (size_t i = 0; i < count; i++) {
    const cloud_record *record = &records[i];
    to = quoted(to, &record->vm_uuid);
    to = quoted(to, &record->fqan);
    to = quoted(to, &record->status);
    to += sprintf(to, "%lld,", (long long)record->start);
    /* An absent value stays empty: absent is not zero. */
    if (record->wall_seconds.is_some)
      to += sprintf(to, "%llu", (unsigned long long)record->wall_seconds.val);
    *to++ = ',';
    if (record->cpu_seconds.is_some)
      to += sprintf(to, "%llu", (unsigned long long)record->cpu_seconds.val);
    *to++ = '\n';
  }
  messenger_list_u8_t bytes = {(uint8_t *)text, to - text};
  return bytes;
}

static bool put(messenger_list_u8_t *bytes, answer *ret) {
  messenger_string_t name;
  caso_accounting_queue_queue_error_t error;
  messenger_string_set(&name, "outgoing");
  if (caso_accounting_queue_put(&name, bytes, &error)) return true;
  switch (error.tag) {
    case CASO_ACCOUNTING_QUEUE_QUEUE_ERROR_DENIED:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
      ret->rest.val.misconfigured = error.val.denied;
      break;
    case CASO_ACCOUNTING_QUEUE_QUEUE_ERROR_TOO_LARGE:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_TOO_LARGE;
      break;
    default:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
      messenger_string_dup(&ret->rest.val.other, "the queue did not take the message");
      caso_accounting_queue_queue_error_free(&error);
  }
  return false;
}

/* Puts into the answer what the host should do after this error, and why. */
static bool failed(connection_error *error, answer *ret) {
  messenger_string_t reason;
  if (error->tag == CASO_ACCOUNTING_CONNECTION_CONNECTION_ERROR_DENIED) {
    ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
    ret->rest.val.misconfigured = error->val.denied;
    return false;
  }
  if (error->tag == CASO_ACCOUNTING_CONNECTION_CONNECTION_ERROR_UNAVAILABLE)
    reason = error->val.unavailable;
  else
    messenger_string_dup(&reason, "the server did not read all records");
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_RETRY;
  ret->rest.val.retry.after_seconds = 60;
  ret->rest.val.retry.reason = reason;
  return false;
}

/* Sends the bytes, and waits until the peer ends its side: then it has read them all. */
static bool exchange(uint32_t handle, messenger_list_u8_t *bytes, connection_error *error) {
  messenger_list_u8_t reply;
  if (!caso_accounting_connection_send(handle, bytes, error)) return false;
  if (!caso_accounting_connection_finish(handle, error)) return false;
  for (;;) {
    if (!caso_accounting_connection_receive(handle, 4096, &reply, error)) return false;
    size_t length = reply.len;
    messenger_list_u8_free(&reply);
    if (!length) return true;
  }
}

static bool send(messenger_list_u8_t *bytes, answer *ret) {
  messenger_string_t name;
  connection_error error;
  uint32_t handle;
  messenger_string_set(&name, "server");
  if (!caso_accounting_connection_open(&name, &handle, &error)) return failed(&error, ret);
  bool well = exchange(handle, bytes, &error);
  caso_accounting_connection_close(handle);
  return well || failed(&error, ret);
}

void exports_caso_accounting_delivery_deliver(caso_accounting_deliveries_batch_t *batch,
                                              answer *ret) {
  memset(ret, 0, sizeof *ret);
  if (batch->records.tag != CASO_ACCOUNTING_RECORDS_RECORD_LIST_CLOUD) {
    ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
    messenger_string_dup(&ret->rest.val.other, "only cloud records can be written as CSV");
  } else {
    size_t count = batch->records.val.cloud.len;
    messenger_list_u8_t bytes = csv(batch->records.val.cloud.ptr, count);
    /* The connection first: a message put into the queue is published even if the
     * answer is to try again, and would then be there twice. */
    if ((!to_server || send(&bytes, ret)) && (!to_queue || put(&bytes, ret))) {
      ret->accepted = count;
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_DONE;
    }
    free(bytes.ptr);
  }
  caso_accounting_deliveries_batch_free(batch);
}
