// The entry point is C: Embedded Swift has no arguments of its own.
int sparrow_run(int count, char **arguments);

int main(int count, char **arguments) { return sparrow_run(count, arguments); }
