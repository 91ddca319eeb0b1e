/* A messenger for cASO: VMs, energy and whatever else has quantities, in InfluxDB's line
 * protocol over a connection, as Telegraf's socket_listener, QuestDB and VictoriaMetrics take
 * it.
 *
 * The peer has read all of it when it ends its own side after we have ended ours; nothing
 * counts as delivered before.
 *
 * We free what the generated code hands to us (with the *_free functions). The host frees
 * what we return, so that must come from malloc: messenger_string_dup.
 */
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "messenger.h"

typedef caso_accounting_descriptions_component_description_t component_description;
typedef caso_accounting_descriptions_option_description_t option_description;
typedef caso_accounting_descriptions_capability_request_t capability_request;
typedef caso_accounting_connection_connection_error_t connection_error;
typedef caso_accounting_deliveries_batch_t batch;
typedef caso_accounting_deliveries_answer_t answer;

static void *room(size_t bytes) {
  void *memory = calloc(1, bytes ? bytes : 1);
  if (!memory) abort();
  return memory;
}

void exports_caso_accounting_description_describe(component_description *ret) {
  memset(ret, 0, sizeof *ret);
  messenger_string_dup(&ret->name, "influx");
  messenger_string_dup(&ret->summary, "InfluxDB's line protocol over a connection");
  messenger_string_dup(&ret->version, "0.1.0");
  static const char *types[] = {"cloud", "energy", "object-storage"};
  ret->record_types.ptr = room(3 * sizeof *ret->record_types.ptr);
  ret->record_types.len = 3;
  for (size_t i = 0; i < 3; i++) messenger_string_dup(&ret->record_types.ptr[i], types[i]);
  option_description *server = room(sizeof *server);
  ret->options.ptr = server;
  ret->options.len = 1;
  messenger_string_dup(&server->name, "server");
  server->kind.tag = CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_ENDPOINT;
  server->required = true;
  messenger_string_dup(&server->help, "host:port that takes line protocol over TCP.");
  capability_request *request = room(sizeof *request);
  ret->capabilities.ptr = request;
  ret->capabilities.len = 1;
  messenger_string_dup(&request->name, "server");
  messenger_string_dup(&request->kind, "connection");
  messenger_string_dup(&request->target, "${server}");
  request->required = true;
  request->attributes.ptr = room(sizeof *request->attributes.ptr);
  request->attributes.len = 1;
  messenger_string_dup(&request->attributes.ptr[0].name, "purpose");
  messenger_string_dup(&request->attributes.ptr[0].value, "the lines");
}

bool exports_caso_accounting_delivery_start(caso_accounting_types_setup_t *setup,
                                            caso_accounting_types_start_error_t *err) {
  (void)err;
  caso_accounting_types_setup_free(setup);
  return true;
}

static text of(const messenger_string_t *string) {
  text text = {string->ptr, string->len};
  return text;
}

static text maybe(const messenger_option_string_t *string) {
  return string->is_some ? of(&string->val) : text_of("");
}

static void vm(buffer *to, const caso_accounting_records_cloud_record_t *record) {
  begin_line(to, "caso_vm");
  tag(to, "site", of(&record->site_name));
  tag(to, "service", of(&record->compute_service));
  tag(to, "vo", of(&record->fqan));
  tag(to, "user", maybe(&record->global_user_name));
  tag(to, "status", of(&record->status));
  tag(to, "vm", of(&record->vm_uuid));
  whole(to, "wall_seconds", record->wall_seconds.is_some, record->wall_seconds.val);
  whole(to, "cpu_seconds", record->cpu_seconds.is_some, record->cpu_seconds.val);
  if (record->cpu_count.is_some) number(to, "cpus", text_of(""), record->cpu_count.val);
  whole(to, "memory_mib", record->memory_mib.is_some, record->memory_mib.val);
  whole(to, "disk_gib", record->disk_gib.is_some, record->disk_gib.val);
  end_line(to, record->head.measured_at);
}

static void energy(buffer *to, const caso_accounting_records_energy_record_t *record) {
  begin_line(to, "caso_energy");
  tag(to, "site", of(&record->site_name));
  tag(to, "owner", of(&record->owner));
  tag(to, "vm", of(&record->exec_unit_id));
  number(to, "watt_hours", text_of(""), record->watt_hours);
  end_line(to, record->end);
}

/* Whatever it is: its quantities are numbers with a name. */
static void other(buffer *to, const caso_accounting_records_other_record_t *record) {
  begin_line(to, "caso_other");
  tag(to, "kind", of(&record->kind));
  tag(to, "resource", of(&record->resource_id));
  for (size_t i = 0; i < record->quantities.len; i++)
    number(to, "", of(&record->quantities.ptr[i].name), record->quantities.ptr[i].value);
  end_line(to, record->end);
}

/* How many records there are; their lines where this messenger has any for them. */
static size_t lines(buffer *to, const caso_accounting_records_record_list_t *records) {
  switch (records->tag) {
    case CASO_ACCOUNTING_RECORDS_RECORD_LIST_CLOUD:
      for (size_t i = 0; i < records->val.cloud.len; i++) vm(to, &records->val.cloud.ptr[i]);
      return records->val.cloud.len;
    case CASO_ACCOUNTING_RECORDS_RECORD_LIST_ENERGY:
      for (size_t i = 0; i < records->val.energy.len; i++) energy(to, &records->val.energy.ptr[i]);
      return records->val.energy.len;
    case CASO_ACCOUNTING_RECORDS_RECORD_LIST_OTHER:
      for (size_t i = 0; i < records->val.other.len; i++) other(to, &records->val.other.ptr[i]);
      return records->val.other.len;
    /* Not described, and so never given. */
    default: return 0;
  }
}

/* Sends the lines, and waits until the peer ends its side: then it has read them all. */
static bool exchange(uint32_t handle, const buffer *lines, connection_error *error) {
  messenger_list_u8_t bytes = {(uint8_t *)lines->bytes, lines->length}, reply;
  if (!caso_accounting_connection_send(handle, &bytes, error)) return false;
  if (!caso_accounting_connection_finish(handle, error)) return false;
  for (;;) {
    if (!caso_accounting_connection_receive(handle, 4096, &reply, error)) return false;
    size_t length = reply.len;
    messenger_list_u8_free(&reply);
    if (!length) return true;
  }
}

/* Says what cASO should do after this error. */
static void failed(connection_error *error, answer *ret) {
  if (error->tag == CASO_ACCOUNTING_CONNECTION_CONNECTION_ERROR_DENIED) {
    ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
    ret->rest.val.misconfigured = error->val.denied;
    return;
  }
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_RETRY;
  ret->rest.val.retry.after_seconds = 60;
  if (error->tag == CASO_ACCOUNTING_CONNECTION_CONNECTION_ERROR_UNAVAILABLE) {
    ret->rest.val.retry.reason = error->val.unavailable;
  } else {
    messenger_string_dup(&ret->rest.val.retry.reason, "the server did not read all lines");
    caso_accounting_connection_connection_error_free(error);
  }
}

static bool sent(const buffer *lines, answer *ret) {
  messenger_string_t name;
  connection_error error;
  uint32_t handle;
  if (!lines->length) return true;
  messenger_string_set(&name, "server");
  if (!caso_accounting_connection_open(&name, &handle, &error)) {
    failed(&error, ret);
    return false;
  }
  bool well = exchange(handle, lines, &error);
  caso_accounting_connection_close(handle);
  if (!well) failed(&error, ret);
  return well;
}

void exports_caso_accounting_delivery_deliver(batch *batch, answer *ret) {
  memset(ret, 0, sizeof *ret);
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_DONE;
  buffer text = {0};
  size_t count = lines(&text, &batch->records);
  if (sent(&text, ret)) ret->accepted = count;
  free(text.bytes);
  caso_accounting_deliveries_batch_free(batch);
}
