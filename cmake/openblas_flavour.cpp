// Prints how OpenBLAS was built and returns its kind of threads: 0 none, 1 its own, 2 OpenMP.
#include <cstdio>

extern "C" int openblas_get_parallel();
extern "C" char* openblas_get_config();

int main() {
  std::fputs(openblas_get_config(), stdout);
  return openblas_get_parallel();
}
