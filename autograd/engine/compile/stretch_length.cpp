#include "rewind/autograd/engine/compile/stretch_length.h"

#include <algorithm>
#include <limits>

namespace rw::engine {
namespace {

constexpr Index kLeastRows = 384;         // as many as BLAS takes into a sum at a time
constexpr Index kBytes = Index{3} << 18;  // 768 KiB, of caches of 512 KiB and of 1 MiB

// What a row has in memory at one step that both the loop and what runs outside of it look at, and
// what either looks at by itself.
Index bytes_of_a_row(const Program& program) {
  Index bytes = 0;
  for (const Buffer& buffer : program.buffers) {
    const bool of_the_loop = buffer.kind == Buffer::before || buffer.kind == Buffer::stack;
    if (of_the_loop && buffer.rows) bytes += buffer.width * bytes_of(buffer.dtype);
  }
  for (const ValueId x : program.step.inputs) {
    const Spec& spec = program.step.graph.spec(x);
    const Index rows = std::max<Index>(program.rows.batch, 1);
    bytes += spec.shape.count() / rows * bytes_of(spec.dtype);
  }
  return bytes;
}

}  // namespace

Index steps_of_a_stretch(const Program& program) {
  const bool all_in_the_loop =
      std::none_of(program.fates.node.begin(), program.fates.node.end(), runs_outside);
  if (all_in_the_loop) return std::numeric_limits<Index>::max();
  const Index rows = std::max(kLeastRows, kBytes / std::max<Index>(bytes_of_a_row(program), 1));
  return std::max<Index>(rows / std::max<Index>(program.rows.batch, 1), 1);
}

}  // namespace rw::engine
