/*
 * A Modbus server on libmodbus: libmodbus_server tcp PORT UNIT, or libmodbus_server rtu DEVICE UNIT (115200 baud, 8N1).
 *
 * Has 2 000 cells of every table. Prints `ready` when it listens. Commands come on standard input, one a line, and are answered
 * with one line each:
 *   put TABLE TYPE ORDER ADDRESS VALUE   the library encodes; answers `ok`
 *   get TABLE TYPE ORDER ADDRESS         the library decodes; answers the value
 *   refuse CODE TIMES                    so many requests are answered with the exception, and not done
 * `unsupported`: this version of the library does not do what its manual says.
 * TABLE: coil, discrete, input, holding. TYPE: boolean, uint16, int16, float32, and in the order ABCD int32, uint32, int64, uint64.
 */
#include <errno.h>
#include <inttypes.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CELLS 2000

static modbus_mapping_t *cells;
static unsigned refusal_code, refusals;

static int is(const char *text, const char *other) { return strcmp(text, other) == 0; }

typedef struct {
  const char *order;
  void (*set)(float, uint16_t *);
  float (*get)(const uint16_t *);
  /* 123.456 in this order. */
  uint16_t example[2];
} float_order;

static const float_order FLOATS[] = {
    {"ABCD", modbus_set_float_abcd, modbus_get_float_abcd, {0x42f6, 0xe979}},
    {"CDAB", modbus_set_float_cdab, modbus_get_float_cdab, {0xe979, 0x42f6}},
    {"BADC", modbus_set_float_badc, modbus_get_float_badc, {0xf642, 0x79e9}},
    {"DCBA", modbus_set_float_dcba, modbus_get_float_dcba, {0x79e9, 0xf642}},
};

/* NULL where this version of the library decodes the order otherwise than its manual says (libmodbus issues 807, 838). */
static const float_order *find_order(const char *order) {
  for (int at = 0; at < 4; at += 1) {
    if (is(FLOATS[at].order, order)) return FLOATS[at].get(FLOATS[at].example) == 123.456f ? &FLOATS[at] : NULL;
  }
  return NULL;
}

/* On little-endian machines the setters of libmodbus 3.1.6 swap the bytes, the getters do not: takes the setter that fits. */
static void set_float(const float_order *wanted, float value, uint16_t *to) {
  uint16_t probe[2];
  for (int at = 0; at < 4; at += 1) {
    FLOATS[at].set(123.456f, probe);
    if (memcmp(probe, wanted->example, sizeof probe) == 0) FLOATS[at].set(value, to);
  }
}

static void put(const char *type, const char *order, uint16_t *to, const char *text) {
  if (is(type, "float32")) set_float(find_order(order), strtof(text, NULL), to);
  else if (is(type, "uint32")) { uint32_t value = strtoul(text, NULL, 10); MODBUS_SET_INT32_TO_INT16(to, 0, value); }
  else if (is(type, "int32")) { int32_t value = strtol(text, NULL, 10); MODBUS_SET_INT32_TO_INT16(to, 0, value); }
  else if (is(type, "uint64")) { uint64_t value = strtoull(text, NULL, 10); MODBUS_SET_INT64_TO_INT16(to, 0, value); }
  else if (is(type, "int64")) { int64_t value = strtoll(text, NULL, 10); MODBUS_SET_INT64_TO_INT16(to, 0, value); }
  else *to = (uint16_t)strtol(text, NULL, 10);
}

static void get(const char *type, const char *order, const uint16_t *from) {
  if (is(type, "float32")) printf("%.9g\n", find_order(order)->get(from));
  else if (is(type, "uint32")) printf("%" PRIu32 "\n", (uint32_t)MODBUS_GET_INT32_FROM_INT16(from, 0));
  else if (is(type, "int32")) printf("%" PRId32 "\n", (int32_t)MODBUS_GET_INT32_FROM_INT16(from, 0));
  else if (is(type, "uint64")) printf("%" PRIu64 "\n", (uint64_t)MODBUS_GET_INT64_FROM_INT16(from, 0));
  else if (is(type, "int64")) printf("%" PRId64 "\n", (int64_t)MODBUS_GET_INT64_FROM_INT16(from, 0));
  else if (is(type, "int16")) printf("%d\n", (int16_t)*from);
  else printf("%u\n", *from);
}

static void obey(const char *line) {
  char verb[8], table[16], type[16], order[8], value[64] = "";
  unsigned address;
  if (sscanf(line, "refuse %u %u", &refusal_code, &refusals) == 2) {
    printf("ok\n");
  } else if (sscanf(line, "%*s %*s %15s %7s", type, order) == 2 && is(type, "float32") && find_order(order) == NULL) {
    printf("unsupported\n");
  } else if (sscanf(line, "%7s %15s %15s %7s %u %63s", verb, table, type, order, &address, value) >= 5 && address < CELLS) {
    uint8_t *bits = is(table, "coil") ? cells->tab_bits : is(table, "discrete") ? cells->tab_input_bits : NULL;
    uint16_t *registers = is(table, "holding") ? cells->tab_registers : cells->tab_input_registers;
    if (is(verb, "get") && bits != NULL) printf("%s\n", bits[address] ? "true" : "false");
    else if (is(verb, "get")) get(type, order, registers + address);
    else if (bits != NULL) bits[address] = is(value, "true");
    else put(type, order, registers + address, value);
    if (is(verb, "put")) printf("ok\n");
  } else {
    printf("not understood\n");
  }
  fflush(stdout);
}

/* One request. Returns 0 when there was none, or nobody to answer. */
static int serve(modbus_t *modbus) {
  uint8_t request[MODBUS_MAX_ADU_LENGTH];
  int length = modbus_receive(modbus, request);
  if (length < 0) return 0;
  if (length == 0) return 1; /* for another unit of the line */
  if (refusals > 0) {
    refusals -= 1;
    return modbus_reply_exception(modbus, request, refusal_code) >= 0;
  }
  return modbus_reply(modbus, request, length, cells) >= 0;
}

static void run(modbus_t *modbus, int listener) {
  fd_set open, ready;
  FD_ZERO(&open);
  FD_SET(STDIN_FILENO, &open);
  FD_SET(listener, &open);
  char line[256];
  for (;;) {
    ready = open;
    if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0) return;
    for (int file = 0; file < FD_SETSIZE; file += 1) {
      if (!FD_ISSET(file, &ready)) continue;
      if (file == STDIN_FILENO) {
        if (fgets(line, sizeof line, stdin) == NULL) return;
        obey(line);
      } else if (file == listener && modbus_get_header_length(modbus) > 1) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0) FD_SET(client, &open);
      } else {
        modbus_set_socket(modbus, file);
        if (serve(modbus)) continue;
        if (file == listener && (errno == EIO || errno == EBADF || errno == ECONNRESET)) return; /* the line is gone */
        if (file == listener) continue;
        FD_CLR(file, &open);
        close(file);
      }
    }
  }
}

int main(int count, char **words) {
  if (count != 4) return 64;
  int is_tcp = is(words[1], "tcp");
  modbus_t *modbus = is_tcp ? modbus_new_tcp("127.0.0.1", atoi(words[2])) : modbus_new_rtu(words[2], 115200, 'N', 8, 1);
  cells = modbus_mapping_new(CELLS, CELLS, CELLS, CELLS);
  if (modbus == NULL || cells == NULL) return 71;
  modbus_set_slave(modbus, atoi(words[3]));
  int listener = is_tcp ? modbus_tcp_listen(modbus, 4) : modbus_connect(modbus) == 0 ? modbus_get_socket(modbus) : -1;
  if (listener < 0) {
    fprintf(stderr, "%s: %s\n", words[2], modbus_strerror(errno));
    return 1;
  }
  /* A real line holds nothing for a unit that was away; a pseudo-terminal does. */
  if (!is_tcp) modbus_flush(modbus);
  setvbuf(stdin, NULL, _IONBF, 0);
  printf("ready\n");
  fflush(stdout);
  run(modbus, listener);
  return 0;
}
