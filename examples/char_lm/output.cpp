#include "output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "rewind/tensor/error.h"

namespace char_lm {

void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free, which is this one; for the other direction, so that every
    // use of it fails.
    [[maybe_unused]] const int taken =
        open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void require_output() {
  rw::require<rw::FileError>(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
                             "cannot write the output");
}

}  // namespace char_lm
