// What both guests answer, whatever the preview: GET / says how many requests this instance has seen,
// GET /primes?below=N computes, POST /echo gives the body back, GET /upstream calls the server that the
// environment's UPSTREAM names, /trap and /forever do what they say, /error and /silent do not answer.
#include <stddef.h>

typedef struct { char *start; size_t length; } string;

#define TEXT(literal) ((string){literal, sizeof literal - 1})

enum route { HOME, PRIMES, ECHO, UPSTREAM, TRAP, FOREVER, ERROR, SILENT, NOWHERE };

enum { INTERNAL_ERROR = 38 }; // of the variant error-code

static int begins(string text, string with) {
  if (text.length < with.length) return 0;
  for (size_t i = 0; i < with.length; i++) {
    if (text.start[i] != with.start[i]) return 0;
  }
  return 1;
}

static enum route route_of(string path) {
  static const string names[] = {
      TEXT("/"), TEXT("/primes?below="), TEXT("/echo"), TEXT("/upstream"), TEXT("/trap"), TEXT("/forever"),
      TEXT("/error"), TEXT("/silent"),
  };
  if (path.length == 1) return HOME;
  for (enum route it = PRIMES; it < NOWHERE; it++) {
    if (begins(path, names[it])) return it;
  }
  return NOWHERE;
}

static unsigned number_in(string text) {
  unsigned number = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (text.start[i] >= '0' && text.start[i] <= '9') number = number * 10 + (unsigned)(text.start[i] - '0');
  }
  return number;
}

static unsigned primes(unsigned below) {
  unsigned count = 0;
  for (unsigned candidate = 2; candidate < below; candidate++) {
    unsigned divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor != 0) divisor++;
    count += divisor * divisor > candidate;
  }
  return count;
}

static string decimal(unsigned number) {
  static char digits[16];
  char *start = digits + sizeof digits;
  do *--start = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return (string){start, (size_t)(digits + sizeof digits - start)};
}

// What is passed in a request lies here, and is gone with the next one.
static char arena[1 << 18] __attribute__((aligned(16)));
static size_t used;

static void *allot(size_t size) {
  used = (used + 15) & ~(size_t)15;
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

__attribute__((export_name("cabi_realloc"))) void *
cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)alignment;
  return __builtin_memcpy(allot(size), old, old_size);
}
