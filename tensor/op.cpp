#include "rewind/tensor/op.h"

namespace rw {

void undefined_input(std::string_view op, std::size_t position) {
  throw ValueError(fmt::format("{}: input {} holds no tensor (default-constructed or moved from)",
                               op, position));
}

}  // namespace rw
