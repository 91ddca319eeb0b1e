/* A messenger for cASO: posts what it is told of VMs to a URL, a line each.
 *
 * wit/ has the contract, with every item documented. `describe` says what this component is
 * and wants, `start` takes the site's options, `deliver` gets the records.
 *
 * We free what the generated code hands to us (with the *_free functions). The host frees
 * what we return, so that must come from malloc: messenger_http_string_dup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "messenger_http.h"

typedef caso_accounting_descriptions_component_description_t component_description;
typedef caso_accounting_descriptions_option_description_t option_description;
typedef caso_accounting_descriptions_capability_request_t capability_request;
typedef caso_accounting_records_cloud_record_t cloud_record;
typedef caso_accounting_deliveries_answer_t answer;

/* What `start` was given: where lines go, below the origin that was granted, and the
 * separator. A store serves one instance, one call after the other. */
static messenger_http_string_t path, separator;

/* Memory, or a trap: cASO then offers the batch in halves. */
static void *room(size_t bytes) {
  void *memory = calloc(1, bytes ? bytes : 1);
  if (!memory) abort();
  return memory;
}

static void option(option_description *option, const char *name, uint8_t kind, const char *standard,
                   const char *help) {
  messenger_http_string_dup(&option->name, name);
  option->kind.tag = kind;
  option->required = !standard;
  if (standard) {
    option->default_.is_some = true;
    messenger_http_string_dup(&option->default_.val, standard);
  }
  messenger_http_string_dup(&option->help, help);
}

static void capability(capability_request *request, const char *name, const char *kind,
                       const char *target, bool required, const char *purpose) {
  messenger_http_string_dup(&request->name, name);
  messenger_http_string_dup(&request->kind, kind);
  messenger_http_string_dup(&request->target, target);
  request->required = required;
  request->attributes.ptr = room(sizeof *request->attributes.ptr);
  request->attributes.len = 1;
  messenger_http_string_dup(&request->attributes.ptr[0].name, "purpose");
  messenger_http_string_dup(&request->attributes.ptr[0].value, purpose);
}

void exports_caso_accounting_description_describe(component_description *ret) {
  memset(ret, 0, sizeof *ret);
  messenger_http_string_dup(&ret->name, "@NAME@");
  messenger_http_string_dup(&ret->summary, "VMs, a line each");
  messenger_http_string_dup(&ret->version, "0.1.0");
  ret->record_types.ptr = room(sizeof *ret->record_types.ptr);
  ret->record_types.len = 1;
  messenger_http_string_dup(&ret->record_types.ptr[0], "cloud");
  ret->options.ptr = room(2 * sizeof *ret->options.ptr);
  ret->options.len = 2;
  option(&ret->options.ptr[0], "url", CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_URL, NULL,
         "Where lines are posted to.");
  option(&ret->options.ptr[1], "separator", CASO_ACCOUNTING_DESCRIPTIONS_OPTION_KIND_TEXT, ";",
         "Between the fields of a line.");
  ret->capabilities.ptr = room(sizeof *ret->capabilities.ptr);
  ret->capabilities.len = 1;
  capability(&ret->capabilities.ptr[0], "server", "http", "${url}", true, "the lines");
}

static bool is(const messenger_http_string_t *string, const char *text) {
  return string->len == strlen(text) && !memcmp(string->ptr, text, string->len);
}

/* What stands behind scheme, host and port of a URL, which cASO has checked. */
static messenger_http_string_t path_of(const messenger_http_string_t *url) {
  size_t at = 0, slashes = 0;
  while (at < url->len && slashes < 3) slashes += url->ptr[at++] == '/';
  messenger_http_string_t path;
  if (slashes < 3) {
    messenger_http_string_dup(&path, "/");
  } else {
    messenger_http_string_dup_n(&path, (const char *)url->ptr + at - 1, url->len - at + 1);
  }
  return path;
}

bool exports_caso_accounting_delivery_start(caso_accounting_types_setup_t *setup,
                                            caso_accounting_types_start_error_t *err) {
  for (size_t i = 0; i < setup->settings.len; i++) {
    caso_accounting_types_setting_t *setting = &setup->settings.ptr[i];
    messenger_http_string_t *value = &setting->value.val.text;
    if (is(&setting->name, "url")) path = path_of(value);
    if (is(&setting->name, "separator")) {
      messenger_http_string_dup_n(&separator, (const char *)value->ptr, value->len);
    }
  }
  caso_accounting_types_setup_free(setup);
  if (separator.len) return true;
  /* cASO prints it with the file and line that set the option. */
  memset(err, 0, sizeof *err);
  err->tag = CASO_ACCOUNTING_TYPES_START_ERROR_WRONG_OPTION;
  messenger_http_string_dup(&err->val.wrong_option.name, "separator");
  messenger_http_string_dup(&err->val.wrong_option.reason, "must not be empty");
  return false;
}

static text of(const messenger_http_string_t *string) {
  text text = {string->ptr, string->len};
  return text;
}

static vm vm_of(const cloud_record *record) {
  vm vm = {of(&record->vm_uuid), of(&record->fqan), record->wall_seconds.is_some,
           record->wall_seconds.val};
  return vm;
}

/* The message, in a buffer that the caller frees. */
static messenger_http_list_u8_t message(const cloud_record *records, size_t count) {
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
  messenger_http_list_u8_t message = {(uint8_t *)begin, (size_t)(to - begin)};
  return message;
}

static void other(answer *ret, const char *reason) {
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
  messenger_http_string_dup(&ret->rest.val.other, reason);
}

static void retry(answer *ret, const char *reason) {
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_RETRY;
  ret->rest.val.retry.after_seconds = 60;
  messenger_http_string_dup(&ret->rest.val.retry.reason, reason);
}

/* Says what cASO should do where there was no answer. */
static void failed(caso_http_http_http_error_t *error, answer *ret) {
  switch (error->tag) {
    case CASO_HTTP_HTTP_HTTP_ERROR_DENIED:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
      ret->rest.val.misconfigured = error->val.denied;
      return;
    case CASO_HTTP_HTTP_HTTP_ERROR_TLS:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_MISCONFIGURED;
      ret->rest.val.misconfigured = error->val.tls;
      return;
    case CASO_HTTP_HTTP_HTTP_ERROR_UNAVAILABLE:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_RETRY;
      ret->rest.val.retry.after_seconds = 60;
      ret->rest.val.retry.reason = error->val.unavailable;
      return;
    case CASO_HTTP_HTTP_HTTP_ERROR_TOO_LARGE:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_TOO_LARGE;
      return;
    case CASO_HTTP_HTTP_HTTP_ERROR_INVALID:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
      ret->rest.val.other = error->val.invalid;
      return;
    case CASO_HTTP_HTTP_HTTP_ERROR_OTHER:
      ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_OTHER;
      ret->rest.val.other = error->val.other;
      return;
    default:
      retry(ret, "the server did not answer in time, or not to the end");
  }
}

/* By the status alone: what a server answers besides is its own. */
static void answered(uint16_t status, size_t count, answer *ret) {
  char reason[64];
  snprintf(reason, sizeof reason, "the server answers %u", status);
  if (status >= 200 && status < 300) {
    ret->accepted = count;
  } else if (status == 413) {
    ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_TOO_LARGE;
  } else if (status == 429 || status >= 500) {
    retry(ret, reason);
  } else {
    other(ret, reason);
  }
}

/* Posts it; a server tells a repetition by the batch's id. */
static void post(const messenger_http_string_t *id, messenger_http_list_u8_t body, size_t count,
                 answer *ret) {
  caso_http_http_header_t headers[2];
  messenger_http_string_set(&headers[0].name, "content-type");
  messenger_http_string_set(&headers[0].value, "text/plain; charset=utf-8");
  messenger_http_string_set(&headers[1].name, "idempotency-key");
  headers[1].value = *id;
  caso_http_http_request_t request;
  messenger_http_string_set(&request.method, "POST");
  request.path = path;
  request.headers.ptr = headers;
  request.headers.len = 2;
  request.body = body;
  messenger_http_string_t name;
  messenger_http_string_set(&name, "server");
  caso_http_http_response_t response;
  caso_http_http_http_error_t error;
  if (caso_http_http_send(&name, &request, &response, &error)) {
    answered(response.status, count, ret);
    caso_http_http_response_free(&response);
  } else {
    failed(&error, ret);
  }
}

void exports_caso_accounting_delivery_deliver(caso_accounting_deliveries_batch_t *batch,
                                              answer *ret) {
  memset(ret, 0, sizeof *ret);
  ret->rest.tag = CASO_ACCOUNTING_DELIVERIES_REST_DONE;
  if (batch->records.tag != CASO_ACCOUNTING_RECORDS_RECORD_LIST_CLOUD) {
    other(ret, "only cloud records are taken");
  } else if (batch->records.val.cloud.len) {
    size_t count = batch->records.val.cloud.len;
    messenger_http_list_u8_t body = message(batch->records.val.cloud.ptr, count);
    post(&batch->id, body, count, ret);
    free(body.ptr);
  }
  caso_accounting_deliveries_batch_free(batch);
}
