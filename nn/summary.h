// A table of what a model holds:
//
//   name          shape     dtype    count
//   embed.weight  [65, 16]  float32  1 040
//   head.weight   [65, 16]  float32          tied to embed.weight
//   scale         [1]       float32      1   frozen
//   mean          [16]      float32     16   buffer
//   1 041 parameters (1 040 trained), 4.07 KiB
//
// The total counts every parameter once, and no buffers.
#pragma once

#include "rewind/nn/members.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// A line of the table.
struct SummaryRow {
  std::string name;
  Spec spec;
  std::uint64_t id = 0;  // of a parameter; 0 for a buffer
  bool frozen = false;
};

std::string summary_of(const std::vector<SummaryRow>& rows);

template <class M>
std::string summary(const M& model) {
  std::vector<SummaryRow> rows;
  for_each_member(model, [&]<class T>(const std::string& path, const T& member) {
    if constexpr (std::same_as<T, Parameter>) {
      rows.push_back({path, member.spec(), member.id(), member.frozen()});
    } else {
      rows.push_back({path, member.spec()});
    }
  });
  return summary_of(rows);
}

}  // namespace nn
}  // namespace rw
