#include "sparrow.h"

const char *sparrow_version(void) { return SPARROW_VERSION; }
