// Layers one after the other.
#pragma once

#include <tuple>

#include "rewind/nn/members.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Sequential model(Linear(2, 8, rng), Tanh{}, Linear(8, 1, rng)): model(x) hands x through its
// layers, which are called 0, 1, ... in names.
template <Module... Layers>
struct Sequential {
  std::tuple<Layers...> layers;

  explicit Sequential(Layers... list) : layers(std::move(list)...) {}

  template <std::size_t I>
  auto& layer() {
    return std::get<I>(layers);
  }
  template <std::size_t I>
  const auto& layer() const {
    return std::get<I>(layers);
  }

  Tensor operator()(Tensor x) const {
    std::apply([&](const auto&... layer) { ((x = layer(x)), ...); }, layers);
    return x;
  }

  static void members(auto& self, auto&& visit) {
    std::size_t position = 0;
    std::apply([&](auto&... layer) { (visit(std::to_string(position++), layer), ...); },
               self.layers);
  }
};

}  // namespace nn
}  // namespace rw
