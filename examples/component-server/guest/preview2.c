// A component of the world `preview2` of guest.wit: wasi:http of preview 2. What crosses the boundary
// is laid out by hand, as the canonical ABI has it: Component Model, CanonicalABI.md.
#include "routes.h"

#define IMPORT(from, name) __attribute__((import_module(from), import_name(name)))
#define TYPES "wasi:http/types@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"
#define POLL "wasi:io/poll@0.2.12"

typedef int handle; // of a resource

typedef struct { int is_some; string value; } optional_string;
typedef struct { int is_error; handle value; } handle_result;
typedef struct { int is_error; string value; } bytes_result;
// Where a function writes a result whose error is an error-code: as large as the largest, and aligned so.
typedef struct { long long is_error; handle value; long long rest[6]; } code_result;
typedef struct { long long is_some, is_error; code_result response; } future_state;

IMPORT(TYPES, "[constructor]fields") handle fields_new(void);
IMPORT(TYPES, "[method]fields.append") void fields_append(handle, const char *, size_t, const char *, size_t, int *);
IMPORT(TYPES, "[method]incoming-request.path-with-query") void request_path(handle, optional_string *);
IMPORT(TYPES, "[method]incoming-request.consume") void request_consume(handle, handle_result *);
IMPORT(TYPES, "[resource-drop]incoming-request") void request_drop(handle);
IMPORT(TYPES, "[method]incoming-body.stream") void incoming_stream(handle, handle_result *);
IMPORT(TYPES, "[resource-drop]incoming-body") void incoming_drop(handle);
IMPORT(TYPES, "[constructor]outgoing-response") handle response_new(handle);
IMPORT(TYPES, "[method]outgoing-response.set-status-code") int response_set_status(handle, int);
IMPORT(TYPES, "[method]outgoing-response.body") void response_body(handle, handle_result *);
IMPORT(TYPES, "[static]response-outparam.set")
void outparam_set(handle, int is_error, handle, int, long long, int, int, int, int);
IMPORT(TYPES, "[method]outgoing-body.write") void outgoing_write(handle, handle_result *);
IMPORT(TYPES, "[static]outgoing-body.finish") void outgoing_finish(handle, int is_some, handle, code_result *);
IMPORT(TYPES, "[constructor]outgoing-request") handle call_new(handle);
IMPORT(TYPES, "[method]outgoing-request.set-scheme") int call_set_scheme(handle, int is_some, int, const char *, size_t);
IMPORT(TYPES, "[method]outgoing-request.set-authority") int call_set_authority(handle, int is_some, const char *, size_t);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query") int call_set_path(handle, int is_some, const char *, size_t);
IMPORT(TYPES, "[method]outgoing-request.body") void call_body(handle, handle_result *);
IMPORT("wasi:http/outgoing-handler@0.2.12", "handle") void call_send(handle, int is_some, handle, code_result *);
IMPORT(TYPES, "[method]future-incoming-response.subscribe") handle future_subscribe(handle);
IMPORT(TYPES, "[method]future-incoming-response.get") void future_get(handle, future_state *);
IMPORT(TYPES, "[resource-drop]future-incoming-response") void future_drop(handle);
IMPORT(TYPES, "[method]incoming-response.consume") void answer_consume(handle, handle_result *);
IMPORT(TYPES, "[resource-drop]incoming-response") void answer_drop(handle);
IMPORT(POLL, "[method]pollable.block") void pollable_block(handle);
IMPORT(POLL, "[resource-drop]pollable") void pollable_drop(handle);
IMPORT(STREAMS, "[method]input-stream.blocking-read") void stream_read(handle, long long, bytes_result *);
IMPORT(STREAMS, "[resource-drop]input-stream") void input_drop(handle);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void stream_write(handle, const char *, size_t, int *);
IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(handle);

typedef struct { string name, value; } variable;
typedef struct { variable *start; size_t count; } variables;
IMPORT("wasi:cli/environment@0.2.12", "get-environment") void environment(variables *);

static handle had(handle_result it) {
  if (it.is_error & 1) __builtin_trap();
  return it.value;
}

typedef struct { handle body, stream; } outgoing;

// Begins to answer: what is written from here on is the body.
static outgoing answer(handle outparam, int status) {
  handle fields = fields_new();
  string name = TEXT("content-type"), value = TEXT("text/plain");
  int ignored[4];
  fields_append(fields, name.start, name.length, value.start, value.length, ignored);
  handle response = response_new(fields);
  response_set_status(response, status);
  handle_result it;
  outgoing out;
  out.body = (response_body(response, &it), had(it));
  out.stream = (outgoing_write(out.body, &it), had(it));
  outparam_set(outparam, 0, response, 0, 0, 0, 0, 0, 0);
  return out;
}

static void put(outgoing out, string text) {
  const size_t most = 4096; // that blocking-write-and-flush takes
  while (text.length > 0) {
    size_t length = text.length < most ? text.length : most;
    int failed[4];
    stream_write(out.stream, text.start, length, failed);
    if (failed[0] & 1) return; // nobody reads it any more
    text = (string){text.start + length, text.length - length};
  }
}

static void end(outgoing out) {
  output_drop(out.stream);
  outgoing_finish(out.body, 0, 0, allot(sizeof(code_result)));
}

static void say(handle outparam, int status, string text) {
  outgoing out = answer(outparam, status);
  put(out, text);
  end(out);
}

// Gives a body on, and drops it.
static void pass(handle body, outgoing to) {
  handle_result it;
  handle stream = (incoming_stream(body, &it), had(it));
  for (;;) {
    size_t before = used;
    bytes_result chunk;
    stream_read(stream, 65536, &chunk);
    if (chunk.is_error & 1) break;
    put(to, chunk.value);
    used = before;
  }
  input_drop(stream);
  incoming_drop(body);
}

static string upstream(void) {
  variables all;
  environment(&all);
  for (size_t i = 0; i < all.count; i++) {
    if (all.start[i].name.length == 8 && begins(all.start[i].name, TEXT("UPSTREAM"))) return all.start[i].value;
  }
  return TEXT("");
}

static void call_upstream(handle outparam) {
  string authority = upstream(), path = TEXT("/");
  handle call = call_new(fields_new());
  if (call_set_scheme(call, 1, 0, NULL, 0) || call_set_authority(call, 1, authority.start, authority.length) ||
      call_set_path(call, 1, path.start, path.length)) {
    return say(outparam, 500, TEXT("UPSTREAM is no authority\n"));
  }
  handle_result body;
  call_body(call, &body);
  code_result sent;
  call_send(call, 0, 0, &sent);
  if (sent.is_error & 1) return say(outparam, 502, TEXT("not sent\n"));
  outgoing_finish(had(body), 0, 0, allot(sizeof(code_result)));
  handle pollable = future_subscribe(sent.value);
  pollable_block(pollable);
  pollable_drop(pollable);
  future_state state;
  future_get(sent.value, &state);
  if (state.response.is_error & 1) say(outparam, 502, TEXT("not answered\n"));
  else {
    handle_result answered;
    answer_consume(state.response.value, &answered);
    outgoing out = answer(outparam, 200);
    pass(had(answered), out);
    end(out);
    answer_drop(state.response.value);
  }
  future_drop(sent.value);
}

static void echo(handle request, handle outparam) {
  handle_result body;
  request_consume(request, &body);
  outgoing out = answer(outparam, 200);
  pass(had(body), out);
  end(out);
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.12#handle")))
void handle_request(handle request, handle outparam) {
  static unsigned seen;
  seen++;
  used = 0;
  optional_string path;
  request_path(request, &path);
  enum route route = (path.is_some & 1) ? route_of(path.value) : NOWHERE;
  if (route == ECHO) echo(request, outparam);
  request_drop(request);
  switch (route) {
    case HOME: return say(outparam, 200, decimal(seen));
    case PRIMES: return say(outparam, 200, decimal(primes(number_in(path.value))));
    case ECHO: return;
    case UPSTREAM: return call_upstream(outparam);
    case TRAP: __builtin_trap();
    case FOREVER: for (volatile int turn = 0;; turn++) {}
    case ERROR: outparam_set(outparam, 1, INTERNAL_ERROR, 0, 0, 0, 0, 0, 0); return;
    case SILENT: return;
    case NOWHERE: return say(outparam, 404, TEXT("nothing there\n"));
  }
}
