// Windows are gathered straight from the text: the transposed copy of it that would make them
// slices costs as much memory again, and 8 bytes per token once read are nothing beside a step.
#include "rewind/data/streams.h"

#include <algorithm>
#include <utility>

namespace rw {

Streams::Streams(std::vector<Index> ids, const StreamOptions& options)
    : ids_(std::move(ids)), options_(options) {
  require(options.batch > 0 && options.time > 0, "streams: batch {} and time {} must be positive",
          options.batch, options.time);
  const auto count = static_cast<Index>(ids_.size());
  column_ = std::max<Index>(count - 1, 0) / options.batch;  // the last id is nobody's input
  steps_ = options.tail ? column_ : column_ / options.time * options.time;
  require(steps_ > 0,
          "streams: {} ids in {} columns give {} steps, a window needs {}; use fewer columns, "
          "shorter windows or more text",
          count, options.batch, column_, options.tail ? 1 : options.time);
}

Index Streams::size() const { return count_of_parts(steps_, options_.time); }

Window Streams::operator[](Index window) const {
  require<IndexError>(window >= 0 && window < size(), "streams: window {} is outside [0, {})",
                      window, size());
  const Index start = window * options_.time;
  const Index time = std::min(options_.time, steps_ - start);
  const Spec spec{{time, options_.batch}, int64};
  Window result{Tensor::uninitialized(spec), Tensor::uninitialized(spec)};
  auto* token = output_data<Index>(result.tokens);
  auto* target = output_data<Index>(result.targets);
  for (Index t = start; t < start + time; ++t) {
    for (Index column = 0; column < options_.batch; ++column) {
      const auto at = static_cast<std::size_t>(column * column_ + t);
      *token++ = ids_[at];
      *target++ = ids_[at + 1];
    }
  }
  return result;
}

}  // namespace rw
