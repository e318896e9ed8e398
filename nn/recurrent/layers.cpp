#include "rewind/nn/recurrent/layers.h"

#include "rewind/tensor/indexing.h"

namespace rw::nn::recurrent_internal {

std::string suffix(Index layer, bool backward) {
  return fmt::format("_l{}{}", layer, backward ? "_reverse" : "");
}

std::string title(Index layer, bool backward) {
  return fmt::format(
      "layer {}, {}", layer,
      backward ? "from the last step to the first" : "from the first step to the last");
}

Tensor at_last_step(const Tensor& outputs, const Lengths& lengths, bool reverse) {
  const Index time = outputs.dim(0);
  const Index batch = outputs.dim(1);
  if (time == 0) return zeros(outputs.shape().without(0), outputs.dtype());
  if (reverse) return outputs[0];  // 0 already in rows of length 0
  if (lengths.empty()) return outputs[time - 1];
  Tensor steps = Tensor::uninitialized({{batch}, int64});
  Tensor valid = Tensor::uninitialized({{batch}, boolean});
  const auto step = steps.mutable_span<Index>();
  const auto is_valid = valid.mutable_span<bool>();
  for (std::size_t row = 0; row < lengths.size(); row++) {
    is_valid[row] = lengths[row] > 0;
    step[row] = std::max<Index>(lengths[row] - 1, 0) * batch + static_cast<Index>(row);
  }
  Dims rows = outputs.shape().without(0);
  rows.set(0, time * batch);
  return keep_rows(valid, take(reshape(outputs, rows), steps));
}

Tensor add_residual(const Tensor& outputs, const Tensor& x, Index first) {
  const Index width = outputs.dim(-1);
  require<ShapeError>(
      first + width <= x.dim(-1),
      "recurrent: residual layers want outputs as wide as their input, got {} beside {}",
      outputs.spec(), x.spec());
  return outputs + slice(x, -1, first, first + width);
}

}  // namespace rw::nn::recurrent_internal
