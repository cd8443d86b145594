/* Runs a model of digits in eight threads, each with a context of its own, on the pixels of a file.
 *
 *   cc -std=c99 digits.c $(pkg-config --cflags --libs sparrow) -lpthread -o digits
 *   ./digits digits.sparrow image.f32
 *
 * The file holds 8 x 8 float32 numbers. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sparrow.h>

enum { threads = 8, rounds = 50, pixel_count = 64, class_count = 10 };

typedef struct {
  const sparrow_model *model;
  float *pixels;
  float scores[class_count];
  int failed;
} work;

static void *run(void *argument) {
  work *w = argument;
  sparrow_error error;
  sparrow_context *context = NULL;
  if (sparrow_context_create(w->model, NULL, &context, &error)) {
    fprintf(stderr, "%s\n", error.message);
    w->failed = 1;
    return NULL;
  }
  int64_t shape[] = {1, 1, 8, 8};
  sparrow_tensor image = {SPARROW_FLOAT32, 4, shape, w->pixels, pixel_count * sizeof(float)};
  for (int i = 0; i < rounds && !w->failed; i++) {
    sparrow_tensor scores;
    if (sparrow_run(context, &image, 1, &scores, 1, &error)) {
      fprintf(stderr, "%s\n", error.message);
      w->failed = 1;
    } else {
      memcpy(w->scores, scores.data, sizeof w->scores);
    }
  }
  sparrow_context_destroy(context);
  return NULL;
}

static int read_pixels(const char *path, float *pixels) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  size_t count = fread(pixels, sizeof(float), pixel_count, file);
  fclose(file);
  return count == pixel_count;
}

int main(int count, char **arguments) {
  float pixels[pixel_count];
  sparrow_error error;
  sparrow_model *model;
  if (count != 3 || !read_pixels(arguments[2], pixels)) {
    fprintf(stderr, "usage: digits MODEL.sparrow IMAGE.f32 (64 float32 numbers)\n");
    return 2;
  }
  if (sparrow_model_open(arguments[1], &model, &error)) {
    fprintf(stderr, "%s\n", error.message);
    return 2;
  }
  pthread_t ids[threads];
  work all[threads];
  int failed = 0;
  for (int i = 0; i < threads; i++) {
    memset(&all[i], 0, sizeof all[i]);
    all[i].model = model;
    all[i].pixels = pixels;
    if (pthread_create(&ids[i], NULL, run, &all[i])) return 2;
  }
  for (int i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    failed |= all[i].failed || memcmp(all[i].scores, all[0].scores, sizeof all[0].scores) != 0;
  }
  sparrow_model_close(model);
  int best = 0;
  for (int i = 1; i < class_count; i++) {
    if (all[0].scores[i] > all[0].scores[best]) best = i;
  }
  printf("%d (%.5g)\n", best, all[0].scores[best]);
  return failed ? 1 : 0;
}
