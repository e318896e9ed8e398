// What layers hand to each other, and what they are called.
#pragma once

#include <string>

#include "rewind/autograd/scan.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

namespace recurrent_internal {

std::string suffix(Index layer, bool backward);
// A title for what `explain` says of it.
std::string title(Index layer, bool backward);
// What [time, batch, ...] outputs hold at each row's last valid step of a pass.
Tensor at_last_step(const Tensor& outputs, const Lengths& lengths, bool reverse);
// outputs + the features [first, first + width of outputs) of x.
Tensor add_residual(const Tensor& outputs, const Tensor& x, Index first);

template <class Tree>
Tree swap_time_and_batch(const Tree& tree) {
  return map_tensors(tree, [](const Tensor& x) { return transpose(x, 0, 1); });
}

// The tree with another first tensor: the next layer's input. Further fields go to every layer.
template <class Tree>
Tree with_first(Tree tree, const Tensor& first) {
  bool done = false;
  for_each_tensor(tree, [&](Tensor& x) {
    if (!done) x = first;
    done = true;
  });
  return tree;
}

}  // namespace recurrent_internal

}  // namespace nn
}  // namespace rw
