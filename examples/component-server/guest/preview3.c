// A component of the world `preview3` of guest.wit: wasi:http of preview 3. What crosses the boundary
// is laid out by hand, as the canonical ABI has it: Component Model, CanonicalABI.md. Nothing in here
// blocks: a task says what it waits for, and is called back.
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
IMPORT(TYPES, "[async-lower][future-write-0][static]request.consume-body") int received_write(handle, const void *);
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
IMPORT(TYPES, "[async-lower][stream-write-0][static]response.new") int body_write(handle, const char *, size_t);
IMPORT(TYPES, "[stream-drop-writable-0][static]response.new") void body_drop(handle);
IMPORT(TYPES, "[future-new-1][static]response.new") long long trailers_new(void);
IMPORT(TYPES, "[async-lower][future-write-1][static]response.new") int trailers_write(handle, const void *);
IMPORT(TYPES, "[future-drop-writable-1][static]response.new") void trailers_drop(handle);
IMPORT(TYPES, "[future-drop-readable-2][static]response.new") void answered_drop(handle);
IMPORT("wasi:http/client@0.3.0", "[async-lower]send") int send(handle request, code_result *);
IMPORT("[export]wasi:http/handler@0.3.0", "[task-return]handle")
void task_return(int is_error, int, int, long long, int, int, int, int);

IMPORT("$root", "[waitable-set-new]") handle set_new(void);
IMPORT("$root", "[waitable-set-drop]") void set_drop(handle);
IMPORT("$root", "[waitable-join]") void join(handle waitable, handle set);
IMPORT("$root", "[subtask-drop]") void subtask_drop(handle);
IMPORT("$root", "[context-set-0]") void context_set(void *);
IMPORT("$root", "[context-get-0]") void *context_get(void);

enum { BLOCKED = -1, RETURNED = 2 };                  // what a call or a write comes back with
enum { SUBTASK = 1, STREAM_WRITE = 3, FUTURE_WRITE = 5 }; // events
enum { EXIT = 0, WAIT = 2 };                          // what a callback does

typedef struct { string name, value; } variable;
typedef struct { variable *start; size_t count; } variables;
IMPORT("wasi:cli/environment@0.3.0", "get-environment") void environment(variables *);

// One request, and the writing ends that it has open; 0 is no handle.
typedef struct {
  int waits_for; // so many events
  handle set, body, trailers, asked, received;
  string rest; // of the body
  code_result sent;
} task;

// The next request may come while the last one still waits for its trailers to be read.
static task tasks[8];
static const code_result nothing; // as a result: ok, and no trailers

static handle readable(long long ends) { return (handle)ends; }
static handle writable(long long ends) { return (handle)(ends >> 32); }

static void wait(task *it, handle waitable) {
  join(waitable, it->set);
  it->waits_for++;
}

static void drop(void (*how)(handle), handle *end) {
  how(*end);
  *end = 0;
}

static void write_body(task *it) {
  while (it->rest.length > 0) {
    const int done = body_write(it->body, it->rest.start, it->rest.length);
    if (done == BLOCKED) return wait(it, it->body);
    it->rest = (string){it->rest.start + (done >> 4), it->rest.length - (size_t)(done >> 4)};
    if ((done & 15) != 0) break; // nobody reads it any more
  }
  drop(body_drop, &it->body);
}

// There are none: `end` is where a message keeps its future of them.
static void write_trailers(task *it, handle *end, handle trailers) {
  *end = trailers;
  if (trailers_write(trailers, &nothing) == BLOCKED) wait(it, trailers);
  else drop(trailers_drop, end);
}

static void respond(handle response) { task_return(0, response, 0, 0, 0, 0, 0, 0); }

static void give(int status, handle body, handle trailers) {
  handle fields = fields_new();
  string name = TEXT("content-type"), value = TEXT("text/plain");
  fields_append(fields, name.start, name.length, value.start, value.length, allot(24));
  pair made;
  response_new(fields, 1, body, trailers, &made);
  answered_drop(made.second);
  response_set_status(made.first, status);
  respond(made.first);
}

static void say(task *it, int status, string text) {
  long long body = body_new(), trailers = trailers_new();
  give(status, readable(body), readable(trailers));
  it->body = writable(body);
  it->rest = text;
  write_body(it);
  write_trailers(it, &it->trailers, writable(trailers));
}

// Gives what is read of the request on as it is.
static void echo(task *it, handle request) {
  long long received = received_new();
  pair body;
  request_consume(request, readable(received), &body);
  give(200, body.first, body.second);
  it->received = writable(received);
  if (received_write(it->received, &nothing) == BLOCKED) wait(it, it->received);
  else drop(received_drop, &it->received);
}

static string upstream(void) {
  variables all;
  environment(&all);
  for (size_t i = 0; i < all.count; i++) {
    if (all.start[i].name.length == 8 && begins(all.start[i].name, TEXT("UPSTREAM"))) return all.start[i].value;
  }
  return TEXT("");
}

static void give_sent(task *it) {
  if (it->sent.is_error & 1) say(it, 502, TEXT("not answered\n"));
  else respond(it->sent.value);
}

static void call_upstream(task *it) {
  string authority = upstream(), path = TEXT("/");
  long long trailers = trailers_new();
  pair made;
  request_new(fields_new(), 0, 0, readable(trailers), 0, 0, &made);
  sent_drop(made.second);
  if (request_set_scheme(made.first, 1, 0, NULL, 0) ||
      request_set_authority(made.first, 1, authority.start, authority.length) ||
      request_set_path(made.first, 1, path.start, path.length)) {
    request_drop(made.first);
    say(it, 500, TEXT("UPSTREAM is no authority\n"));
    return;
  }
  const int sending = send(made.first, &it->sent);
  if ((sending & 15) == RETURNED) give_sent(it);
  else wait(it, sending >> 4);
  write_trailers(it, &it->asked, writable(trailers));
}

static int next(task *it) {
  if (it->waits_for > 0) return WAIT | it->set << 4;
  set_drop(it->set);
  it->set = 0;
  return EXIT;
}

static task *task_new(void) {
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
    if (tasks[i].set != 0) continue;
    tasks[i] = (task){.set = set_new()};
    context_set(&tasks[i]);
    return &tasks[i];
  }
  __builtin_trap();
}

EXPORT("[async-lift]wasi:http/handler@0.3.0#handle") int handle_request(handle request) {
  static unsigned seen;
  seen++;
  used = 0;
  task *it = task_new();
  optional_string path;
  request_path(request, &path);
  enum route route = (path.is_some & 1) ? route_of(path.value) : NOWHERE;
  if (route == ECHO) echo(it, request);
  else request_drop(request);
  switch (route) {
    case HOME: say(it, 200, decimal(seen)); break;
    case PRIMES: say(it, 200, decimal(primes(number_in(path.value)))); break;
    case ECHO: break;
    case UPSTREAM: call_upstream(it); break;
    case TRAP: __builtin_trap();
    case FOREVER: for (volatile int turn = 0;; turn++) {}
    case ERROR: task_return(1, INTERNAL_ERROR, 0, 0, 0, 0, 0, 0); break;
    case SILENT: break;
    case NOWHERE: say(it, 404, TEXT("nothing there\n"));
  }
  return next(it);
}

EXPORT("[callback][async-lift]wasi:http/handler@0.3.0#handle") int called_back(int event, handle waitable, int code) {
  task *it = context_get();
  if (event == SUBTASK && code != RETURNED) return next(it); // begun only
  it->waits_for--;
  join(waitable, 0);
  if (event == SUBTASK) {
    subtask_drop(waitable);
    give_sent(it);
  } else if (event == STREAM_WRITE) {
    it->rest = (string){it->rest.start + (code >> 4), it->rest.length - (size_t)(code >> 4)};
    if ((code & 15) != 0) drop(body_drop, &it->body);
    else write_body(it);
  } else if (waitable == it->trailers) drop(trailers_drop, &it->trailers);
  else if (waitable == it->asked) drop(trailers_drop, &it->asked);
  else drop(received_drop, &it->received);
  return next(it);
}
