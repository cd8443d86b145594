/* libsparrow: runs .sparrow models from C.
 *
 *   sparrow_model *model;
 *   sparrow_context *context;
 *   sparrow_error error;
 *   if (sparrow_model_open("digits.sparrow", &model, &error)) die(error.message);
 *   if (sparrow_context_create(model, NULL, &context, &error)) die(error.message);
 *   int64_t shape[] = {1, 1, 8, 8};
 *   sparrow_tensor image = {SPARROW_FLOAT32, 4, shape, pixels, sizeof pixels}, scores;
 *   if (sparrow_run(context, &image, 1, &scores, 1, &error)) die(error.message);
 *   ... scores.data ...
 *   sparrow_context_destroy(context);
 *   sparrow_model_close(model);
 *
 * Errors: what can fail returns a status, SPARROW_OK (0) where it did not, and says why in *error where that is not
 * NULL. Nothing is changed and nothing is given out by a call that failed.
 *
 * Ownership: what a function gives out through a pointer to a pointer is the caller's, who ends it by the function
 * named beside it, in any order: a context keeps what it needs of its model. Names, shapes and output data belong
 * to what they were asked of.
 *
 * Threads: a model may be used by any number of threads at once. A context may be used by one thread at a time;
 * contexts of one model are independent of each other; the weights as they are computed with are kept once, with the
 * model. There is no state besides models and contexts: nothing is kept between them, no signal handler is set, and of
 * the environment SPARROW_ISA alone is read (scalar, avx2, avx512, neon or wasm: the most that kernels may use).
 * WebAssembly has one thread, and models are opened from memory.
 */
#ifndef SPARROW_H
#define SPARROW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPARROW_VERSION "0.1.0"

typedef enum sparrow_status {
  SPARROW_OK = 0,
  /* A file that cannot be read, or is no .sparrow file, or is damaged. */
  SPARROW_BAD_FILE = 1,
  /* An argument that no model could make sense of, such as NULL or a negative length. */
  SPARROW_BAD_ARGUMENT = 2,
  /* Tensors that are not what the model takes. */
  SPARROW_BAD_INPUT = 3,
  /* The model cannot be run, or not on these inputs. */
  SPARROW_FAILED = 4
} sparrow_status;

typedef struct sparrow_error {
  sparrow_status status;
  /* UTF-8, ends with a 0 byte; cut off where it is longer. */
  char message[1020];
} sparrow_error;

/* Types of elements; numbers as in ONNX's TensorProto.DataType. Elements of fewer than 8 bits take a byte each. */
typedef enum sparrow_type {
  SPARROW_FLOAT32 = 1,
  SPARROW_UINT8 = 2,
  SPARROW_INT8 = 3,
  SPARROW_UINT16 = 4,
  SPARROW_INT16 = 5,
  SPARROW_INT32 = 6,
  SPARROW_INT64 = 7,
  SPARROW_BOOL = 9,
  SPARROW_FLOAT16 = 10,
  SPARROW_FLOAT64 = 11,
  SPARROW_UINT32 = 12,
  SPARROW_UINT64 = 13,
  SPARROW_BFLOAT16 = 16,
  SPARROW_OTHER_TYPE = 0
} sparrow_type;

/* Row-major elements in memory. */
typedef struct sparrow_tensor {
  sparrow_type type;
  int32_t rank;
  const int64_t *shape; /* rank lengths; may be NULL where rank is 0 */
  void *data;           /* of inputs it is only read */
  size_t size;          /* bytes at data */
} sparrow_tensor;

/* What a model takes or gives. */
typedef struct sparrow_info {
  const char *name; /* UTF-8; belongs to the model */
  sparrow_type type;
  int32_t rank;         /* -1 where it is not known */
  const int64_t *shape; /* rank lengths, -1 where one is open; belongs to the model */
} sparrow_info;

typedef struct sparrow_options {
  int32_t threads; /* that compute, the calling one included; 0: one a CPU */
} sparrow_options;

typedef struct sparrow_model sparrow_model;
typedef struct sparrow_context sparrow_context;

/* The version of the library, as SPARROW_VERSION of its header. */
const char *sparrow_version(void);

/* Reads a model; ended by sparrow_model_close. The file stays mapped: it must not be changed. */
sparrow_status sparrow_model_open(const char *path, sparrow_model **model, sparrow_error *error);

/* Reads a model from memory, which is not copied: it must stay as it is until the model is closed and the
 * last of its contexts destroyed. */
sparrow_status sparrow_model_open_memory(const void *bytes, size_t size, sparrow_model **model, sparrow_error *error);

/* Ends a model; NULL is allowed. */
void sparrow_model_close(sparrow_model *model);

int32_t sparrow_model_input_count(const sparrow_model *model);
int32_t sparrow_model_output_count(const sparrow_model *model);
sparrow_status sparrow_model_input(const sparrow_model *model, int32_t index, sparrow_info *info,
                                   sparrow_error *error);
sparrow_status sparrow_model_output(const sparrow_model *model, int32_t index, sparrow_info *info,
                                    sparrow_error *error);

/* Makes what runs a model; ended by sparrow_context_destroy. options may be NULL: one thread. */
sparrow_status sparrow_context_create(const sparrow_model *model, const sparrow_options *options,
                                      sparrow_context **context, sparrow_error *error);

/* Ends a context; NULL is allowed. */
void sparrow_context_destroy(sparrow_context *context);

/* Runs the model on one tensor an input, in its order. Inputs are read where they lie (aligned to 64 bytes or
 * not; those that are not aligned to their elements are copied) and not kept. The first run with new shapes plans
 * and takes longer. Outputs, one an output in the model's order, are described in `outputs`: their shapes and data
 * belong to the context and are valid until its next run or its end. output_count may be less than what there is. */
sparrow_status sparrow_run(sparrow_context *context, const sparrow_tensor *inputs, int32_t input_count,
                           sparrow_tensor *outputs, int32_t output_count, sparrow_error *error);

#ifdef __cplusplus
}
#endif

#endif
