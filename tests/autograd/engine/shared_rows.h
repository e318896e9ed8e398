// What explain() says of workers that share the rows of a scan.
#pragma once

#include <fmt/core.h>

#include <limits>
#include <string>
#include <string_view>

#include "rewind/tensor/index.h"

namespace rw::test {

// From how many steps on so many workers take so many rows each, by the first such line of `text`
// behind `from`, which moves there. More than there can be where no line says it.
inline Index steps_to_share(const std::string& text, Index rows, int workers, std::size_t& from) {
  const auto line =
      fmt::format("rows: {} for each of {} workers, who do not wait for each other", rows, workers);
  from = text.find(line, from);
  if (from == std::string::npos) return std::numeric_limits<Index>::max();
  from += line.size();
  constexpr std::string_view kLeast = ", from ";
  if (text.compare(from, kLeast.size(), kLeast) != 0) return 1;
  return std::stoll(text.substr(from + kLeast.size()));
}

}  // namespace rw::test
