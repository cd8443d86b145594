// What libsparrow does where it is used wrongly, and where it is used right in unusual ways.
#include <sparrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define EXPECT(condition)                                                    \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      failures++;                                                            \
    }                                                                        \
  } while (0)

static float pixels[64];
static int64_t shape[] = {1, 1, 8, 8};
static sparrow_error error;

static int told(sparrow_status found, sparrow_status expected, const char *part) {
  int good = found == expected && error.status == expected && strstr(error.message, part);
  if (!good) fprintf(stderr, "status %d, '%s', expected %d, '%s'\n", found, error.message, expected, part);
  return good;
}

static void opening(const char *path, char *bytes, size_t size) {
  sparrow_model *model = (sparrow_model *)pixels;
  EXPECT(told(sparrow_model_open("/nowhere", &model, &error), SPARROW_BAD_FILE, "/nowhere"));
  EXPECT(told(sparrow_model_open(NULL, &model, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(told(sparrow_model_open(path, NULL, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(sparrow_model_open("/nowhere", &model, NULL) == SPARROW_BAD_FILE);
  EXPECT(model == (sparrow_model *)pixels);
  for (size_t cut = 0; cut < size; cut += 97) {
    EXPECT(sparrow_model_open_memory(bytes, cut, &model, &error) == SPARROW_BAD_FILE);
  }
  for (size_t place = 0; place < size; place += 101) {
    bytes[place] ^= 0x55;
    EXPECT(sparrow_model_open_memory(bytes, size, &model, &error) != SPARROW_OK);
    bytes[place] ^= 0x55;
  }
  char name[3000];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  EXPECT(sparrow_model_open(name, &model, &error) == SPARROW_BAD_FILE);
  EXPECT(strlen(error.message) == sizeof error.message - 1);
  sparrow_model_close(NULL);
  sparrow_context_destroy(NULL);
}

static void describing(const sparrow_model *model) {
  sparrow_info info;
  EXPECT(sparrow_model_input_count(model) == 1 && sparrow_model_output_count(model) == 1);
  EXPECT(sparrow_model_input(model, 0, &info, &error) == SPARROW_OK);
  EXPECT(strcmp(info.name, "image") == 0 && info.type == SPARROW_FLOAT32 && info.rank == 4);
  EXPECT(info.shape[0] == -1 && info.shape[1] == 1 && info.shape[2] == 8 && info.shape[3] == 8);
  EXPECT(sparrow_model_output(model, 0, &info, &error) == SPARROW_OK);
  EXPECT(strcmp(info.name, "logits") == 0 && info.rank == 2 && info.shape[1] == 10);
  EXPECT(told(sparrow_model_input(model, 1, &info, &error), SPARROW_BAD_ARGUMENT, "1 inputs"));
  EXPECT(told(sparrow_model_output(model, -1, &info, &error), SPARROW_BAD_ARGUMENT, "index is -1"));
  EXPECT(told(sparrow_model_output(model, 0, NULL, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(sparrow_model_input_count(NULL) == 0);
}

static void running(sparrow_context *context) {
  sparrow_tensor image = {SPARROW_FLOAT32, 4, shape, pixels, sizeof pixels}, scores, wrong, two[2];
  EXPECT(sparrow_run(context, &image, 1, &scores, 1, &error) == SPARROW_OK);
  EXPECT(scores.type == SPARROW_FLOAT32 && scores.rank == 2 && scores.shape[0] == 1 && scores.shape[1] == 10);
  EXPECT(scores.size == 10 * sizeof(float));
  float first[10];
  memcpy(first, scores.data, sizeof first);
  EXPECT(told(sparrow_run(NULL, &image, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(told(sparrow_run(context, NULL, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(told(sparrow_run(context, &image, 0, &scores, 1, &error), SPARROW_BAD_INPUT, "takes 1 inputs"));
  EXPECT(told(sparrow_run(context, &image, -1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "below 0"));
  EXPECT(told(sparrow_run(context, &image, 1, two, 2, &error), SPARROW_BAD_ARGUMENT, "room is given for 2"));
  wrong = image, wrong.size--;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "found 255"));
  wrong = image, wrong.data = NULL;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "256 bytes"));
  wrong = image, wrong.type = SPARROW_INT32;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_INPUT, "image"));
  wrong = image, wrong.type = (sparrow_type)99;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "unknown type 99"));
  wrong = image, wrong.rank = -1;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "rank -1"));
  wrong = image, wrong.shape = NULL;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "rank 4"));
  int64_t negative[] = {-1, 1, 8, 8}, huge[] = {INT64_MAX, INT64_MAX, 8, 8}, other[] = {1, 1, 4, 16};
  wrong = image, wrong.shape = negative;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "below 0"));
  wrong = image, wrong.shape = huge;
  EXPECT(told(sparrow_run(context, &wrong, 1, &scores, 1, &error), SPARROW_BAD_ARGUMENT, "too large"));
  wrong = image, wrong.shape = other;
  EXPECT(sparrow_run(context, &wrong, 1, &scores, 1, &error) != SPARROW_OK);
  // An address that is not aligned, and more samples.
  char *memory = malloc(3 * sizeof pixels + 1);
  int64_t three[] = {3, 1, 8, 8};
  for (int i = 0; i < 3; i++) memcpy(memory + 1 + i * sizeof pixels, pixels, sizeof pixels);
  sparrow_tensor batch = {SPARROW_FLOAT32, 4, three, memory + 1, 3 * sizeof pixels};
  EXPECT(sparrow_run(context, &batch, 1, &scores, 1, &error) == SPARROW_OK && scores.shape[0] == 3);
  for (int i = 0; i < 3; i++) EXPECT(memcmp((float *)scores.data + 10 * i, first, sizeof first) == 0);
  free(memory);
  EXPECT(sparrow_run(context, &image, 1, NULL, 0, &error) == SPARROW_OK);
}

int main(int count, char **arguments) {
  static char bytes[1 << 20];
  FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
  FILE *image = count == 3 ? fopen(arguments[2], "rb") : NULL;
  if (!file || !image || fread(pixels, sizeof pixels, 1, image) != 1) return 2;
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  fclose(image);
  EXPECT(strcmp(sparrow_version(), SPARROW_VERSION) == 0);
  opening(arguments[1], bytes, size);
  sparrow_model *model;
  sparrow_context *context, *parallel;
  if (sparrow_model_open_memory(bytes, size, &model, &error)) return 2;
  describing(model);
  sparrow_options options = {2}, many = {1000}, all = {0};
  EXPECT(told(sparrow_context_create(NULL, NULL, &context, &error), SPARROW_BAD_ARGUMENT, "NULL"));
  EXPECT(told(sparrow_context_create(model, &many, &context, &error), SPARROW_BAD_ARGUMENT, "threads is 1000"));
  EXPECT(sparrow_context_create(model, &all, &context, &error) == SPARROW_OK);
  EXPECT(sparrow_context_create(model, &options, &parallel, &error) == SPARROW_OK);
  // Contexts outlive their model.
  sparrow_model_close(model);
  running(context);
  running(parallel);
  sparrow_context_destroy(parallel);
  sparrow_context_destroy(context);
  if (!failures) puts("libsparrow: every use as expected");
  return failures ? 1 : 0;
}
