// The headers that were installed are those of the package that was found.
#include <rewind/rewind.h>

static_assert(rw::kVersion == "0.1.0");

int main() {}
