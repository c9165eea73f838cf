// A component of the world `preview3` of guest.wit: wasi:http of preview 3. What crosses the boundary
// is laid out by hand, as the canonical ABI has it: Component Model, CanonicalABI.md. The functions
// that wait suspend their task, so none of it is written in callbacks.
#include "routes.h"

#define IMPORT(from, name) __attribute__((import_module(from), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define TYPES "wasi:http/types@0.3.0"

typedef int handle; // of a resource, or of an end of a stream or a future

typedef struct { int is_some; string value; } optional_string;
typedef struct { handle first, second; } pair;
// Where a result is written whose error is an error-code: as large as the largest, and aligned so.
typedef struct { long long is_error; handle value; long long rest[6]; } code_result;

IMPORT(TYPES, "[constructor]fields") handle fields_new(void);
IMPORT(TYPES, "[method]fields.append") void fields_append(handle, const char *, size_t, const char *, size_t, void *);
IMPORT(TYPES, "[method]request.get-path-with-query") void request_path(handle, optional_string *);
IMPORT(TYPES, "[static]request.consume-body") void request_consume(handle, handle received, pair *);
IMPORT(TYPES, "[future-new-0][static]request.consume-body") long long received_new(void);
IMPORT(TYPES, "[future-write-0][static]request.consume-body") int received_write(handle, const void *);
IMPORT(TYPES, "[future-drop-writable-0][static]request.consume-body") void received_drop(handle);
IMPORT(TYPES, "[resource-drop]request") void request_drop(handle);
IMPORT(TYPES, "[static]request.new")
void request_new(handle fields, int has_body, handle, handle trailers, int has_options, handle, pair *);
IMPORT(TYPES, "[future-drop-readable-2][static]request.new") void sent_drop(handle);
IMPORT(TYPES, "[method]request.set-scheme") int request_set_scheme(handle, int is_some, int, const char *, size_t);
IMPORT(TYPES, "[method]request.set-authority") int request_set_authority(handle, int is_some, const char *, size_t);
IMPORT(TYPES, "[method]request.set-path-with-query") int request_set_path(handle, int is_some, const char *, size_t);
IMPORT(TYPES, "[static]response.new") void response_new(handle fields, int has_body, handle, handle trailers, pair *);
IMPORT(TYPES, "[method]response.set-status-code") int response_set_status(handle, int);
IMPORT(TYPES, "[stream-new-0][static]response.new") long long body_new(void);
IMPORT(TYPES, "[stream-write-0][static]response.new") unsigned body_write(handle, const char *, size_t);
IMPORT(TYPES, "[stream-drop-writable-0][static]response.new") void body_drop(handle);
IMPORT(TYPES, "[future-new-1][static]response.new") long long trailers_new(void);
IMPORT(TYPES, "[future-write-1][static]response.new") int trailers_write(handle, const void *);
IMPORT(TYPES, "[future-drop-writable-1][static]response.new") void trailers_drop(handle);
IMPORT(TYPES, "[future-drop-readable-2][static]response.new") void answered_drop(handle);
IMPORT("wasi:http/client@0.3.0", "send") void send(handle request, code_result *);
IMPORT("[export]wasi:http/handler@0.3.0", "[task-return]handle")
void task_return(int is_error, int, int, long long, int, int, int, int);

typedef struct { string name, value; } variable;
typedef struct { variable *start; size_t count; } variables;
IMPORT("wasi:cli/environment@0.3.0", "get-environment") void environment(variables *);

static handle readable(long long ends) { return (handle)ends; }
static handle writable(long long ends) { return (handle)(ends >> 32); }

static void respond(handle response) { task_return(0, response, 0, 0, 0, 0, 0, 0); }

// Answers, with a body that is another's or nobody's.
static void give(int status, int has_body, handle body, handle trailers) {
  handle fields = fields_new();
  string name = TEXT("content-type"), value = TEXT("text/plain");
  fields_append(fields, name.start, name.length, value.start, value.length, allot(24));
  pair made;
  response_new(fields, has_body, body, trailers, &made);
  answered_drop(made.second);
  response_set_status(made.first, status);
  respond(made.first);
}

// Says that there are no trailers.
static void finish(handle trailers) {
  trailers_write(trailers, __builtin_memset(allot(sizeof(code_result)), 0, sizeof(code_result)));
  trailers_drop(trailers);
}

static void say(int status, string text) {
  long long body = body_new(), trailers = trailers_new();
  give(status, 1, readable(body), readable(trailers));
  while (text.length > 0) {
    const unsigned done = body_write(writable(body), text.start, text.length);
    text = (string){text.start + (done >> 4), text.length - (done >> 4)};
    if ((done & 15) != 0) break; // nobody reads it any more
  }
  body_drop(writable(body));
  finish(writable(trailers));
}

static void echo(handle request) {
  long long received = received_new();
  pair body;
  request_consume(request, readable(received), &body);
  give(200, 1, body.first, body.second);
  received_write(writable(received), __builtin_memset(allot(sizeof(code_result)), 0, sizeof(code_result)));
  received_drop(writable(received));
}

static string upstream(void) {
  variables all;
  environment(&all);
  for (size_t i = 0; i < all.count; i++) {
    if (all.start[i].name.length == 8 && begins(all.start[i].name, TEXT("UPSTREAM"))) return all.start[i].value;
  }
  return TEXT("");
}

static void call_upstream(void) {
  string authority = upstream(), path = TEXT("/");
  long long trailers = trailers_new();
  pair made;
  request_new(fields_new(), 0, 0, readable(trailers), 0, 0, &made);
  sent_drop(made.second);
  if (request_set_scheme(made.first, 1, 0, NULL, 0) ||
      request_set_authority(made.first, 1, authority.start, authority.length) ||
      request_set_path(made.first, 1, path.start, path.length)) {
    return say(500, TEXT("UPSTREAM is no authority\n"));
  }
  code_result sent;
  send(made.first, &sent);
  if (sent.is_error & 1) say(502, TEXT("not answered\n"));
  else respond(sent.value);
  finish(writable(trailers));
}

EXPORT("[async-lift]wasi:http/handler@0.3.0#handle") int handle_request(handle request) {
  static unsigned seen;
  seen++;
  used = 0;
  optional_string path;
  request_path(request, &path);
  enum route route = (path.is_some & 1) ? route_of(path.value) : NOWHERE;
  if (route == ECHO) echo(request);
  else request_drop(request);
  switch (route) {
    case HOME: say(200, decimal(seen)); break;
    case PRIMES: say(200, decimal(primes(number_in(path.value)))); break;
    case ECHO: break;
    case UPSTREAM: call_upstream(); break;
    case TRAP: __builtin_trap();
    case FOREVER: for (volatile int turn = 0;; turn++) {}
    case ERROR: task_return(1, INTERNAL_ERROR, 0, 0, 0, 0, 0, 0); break;
    case SILENT: break;
    case NOWHERE: say(404, TEXT("nothing there\n"));
  }
  return 0; // through
}

EXPORT("[callback][async-lift]wasi:http/handler@0.3.0#handle") int called_back(int event, int waitable, int code) {
  __builtin_trap(); // nothing is waited for
}
