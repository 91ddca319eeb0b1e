/* A messenger for cASO: puts what it is told of VMs into a queue, a line each.
 *
 * wit/ has the contract, with every item documented. `describe` says what this component is
 * and wants, `start` takes the site's options, `deliver` gets the records.
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
typedef caso_accounting_records_cloud_record_t cloud_record;
typedef caso_accounting_deliveries_answer_t answer;

/* What `start` was given. A store serves one instance, one call after the other. */
static messenger_string_t separator;

/* Memory, or a trap: cASO then offers the batch in halves. */
static void *room(size_t bytes) {
  void *memory = calloc(1, bytes ? bytes : 1);
  if (!memory) abort();
  return memory;
}

static void option(option_description *option, const char *name, uint8_t kind, const char *standard,
                   const char *help) {
  messenger_string_dup(&option->name, name);
  option->kind.tag = kind;
  option->required = !standard;
  if (standard) {
    option->default_.is_some = true;
    messenger_string_dup(&option->default_.val, standard);
  }
  messenger_string_dup(&option->help, help);
}

static void capability(capability_request *request, const char *name, const char *kind,
                       const char *target, bool required, const char *purpose) {
  messenger_string_dup(&request->name, name);
  messenger_string_dup(&request->kind, kind);
  messenger_string_dup(&request->target, target);
  request->required = required;
  request->attributes.ptr = room(sizeof *request->attributes.ptr);
  request->attributes.len = 1;
  messenger_string_dup(&request->attributes.ptr[0].name, "purpose");
  messenger_string_dup(&request->attributes.ptr[0].value, purpose);
}

void exports_caso_accounting_description_describe(component_description *ret) {
  memset(ret, 0, sizeof *ret);
  messenger_string_dup(&ret->name, "@NAME@");
  messenger_string_dup(&ret->summary, "VMs, a line each");
  messenger_string_dup(&ret->version, "0.1.0");
  ret->record_types.ptr = room(sizeof *ret->record_types.ptr);
  ret->record_types.len = 1;
  messenger_string_dup(&ret->record_types.ptr[0], "cloud");
  ret->options.ptr = room(2 * sizeof *ret->options.ptr);
  ret->options.len = 2;
  option(&ret->options.ptr[0], "output_path", CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_PATH, NULL,
         "Queue for the messages.");
  option(&ret->options.ptr[1], "separator", CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_TEXT, ";",
         "Between the fields of a line.");
  ret->capabilities.ptr = room(sizeof *ret->capabilities.ptr);
  ret->capabilities.len = 1;
  capability(&ret->capabilities.ptr[0], "outgoing", "queue", "${output_path}", true, "the messages");
}

static bool is(const messenger_string_t *string, const char *text) {
  return string->len == strlen(text) && !memcmp(string->ptr, text, string->len);
}

bool exports_caso_accounting_delivery_start(caso_accounting_types_setup_t *setup,
                                            caso_accounting_types_start_error_t *err) {
  for (size_t i = 0; i < setup->settings.len; i++) {
    caso_accounting_types_setting_t *setting = &setup->settings.ptr[i];
    if (is(&setting->name, "separator")) {
      messenger_string_dup_n(&separator, (const char *)setting->value.val.text.ptr,
                             setting->value.val.text.len);
    }
  }
  caso_accounting_types_setup_free(setup);
  if (separator.len) return true;
  /* cASO prints it with the file and line that set the option. */
  memset(err, 0, sizeof *err);
  err->tag = CASO_ACCOUNTING_TYPES_START_ERROR_WRONG_OPTION;
  messenger_string_dup(&err->val.wrong_option.name, "separator");
  messenger_string_dup(&err->val.wrong_option.reason, "must not be empty");
  return false;
}

static text of(const messenger_string_t *string) {
  text text = {string->ptr, string->len};
  return text;
}

static vm vm_of(const cloud_record *record) {
  vm vm = {of(&record->vm_uuid), of(&record->fqan), record->wall_seconds.is_some,
           record->wall_seconds.val};
  return vm;
}

/* The message, in a buffer that the caller frees. */
static messenger_list_u8_t message(const cloud_record *records, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    vm vm = vm_of(&records[i]);
    bytes += line_room(&vm, of(&separator));
  }
  char *begin = room(bytes), *to = begin;
  for (size_t i = 0; i < count; i++) {
    vm vm = vm_of(&records[i]);
    to = line(to, &vm, of(&separator));
  }
  messenger_list_u8_t message = {(uint8_t *)begin, (size_t)(to - begin)};
  return message;
}

/* Says what cASO should do after an error of the queue. */
static void failed(caso_accounting_queue_queue_error_t *error, answer *ret) {
  switch (error->tag) {
    case CASO_ACCOUNTING_QUEUE_QUEUE_ERROR_DENIED:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
      ret->rest.val.misconfigured = error->val.denied;
      break;
    case CASO_ACCOUNTING_QUEUE_QUEUE_ERROR_TOO_LARGE:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_TOO_LARGE;
      break;
    default:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
      messenger_string_dup(&ret->rest.val.other, "the queue did not take the message");
      caso_accounting_queue_queue_error_free(error);
  }
}

void exports_caso_accounting_delivery_deliver(caso_accounting_deliveries_batch_t *batch,
                                              answer *ret) {
  memset(ret, 0, sizeof *ret);
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_DONE;
  if (batch->records.tag != CASO_ACCOUNTING_RECORDS_RECORD_LIST_CLOUD) {
    ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
    messenger_string_dup(&ret->rest.val.other, "only cloud records are taken");
  } else if (batch->records.val.cloud.len) {
    size_t count = batch->records.val.cloud.len;
    messenger_list_u8_t bytes = message(batch->records.val.cloud.ptr, count);
    messenger_string_t name;
    caso_accounting_queue_queue_error_t error;
    messenger_string_set(&name, "outgoing");
    /* It appears in the queue when this call has returned a valid answer. */
    if (caso_accounting_queue_put(&name, &bytes, &error)) {
      ret->accepted = count;
    } else {
      failed(&error, ret);
    }
    free(bytes.ptr);
  }
  caso_accounting_deliveries_batch_free(batch);
}
