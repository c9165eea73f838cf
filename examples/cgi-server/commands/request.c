// A CGI program in C: says what it was asked, and by which environment.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

int main(int argc, char **argv) {
  const char *query = getenv("QUERY_STRING");
  if (query && strcmp(query, "fail") == 0) {
    fprintf(stderr, "asked to fail\n");
    return 3;
  }
  if (query && strcmp(query, "trap") == 0) {
    fprintf(stderr, "about to trap\n");
    __builtin_trap();
  }
  printf("Content-Type: text/plain; charset=utf-8\n");
  if (query && strcmp(query, "teapot") == 0) printf("Status: 418 I'm a teapot\n");
  printf("\n");
  for (char **entry = environ; *entry; entry++) puts(*entry);
  for (int i = 1; i < argc; i++) printf("argument %s\n", argv[i]);
  return 0;
}
