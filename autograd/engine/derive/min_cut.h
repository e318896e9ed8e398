// The cheapest set of values that separates what cannot be had again from what wants to be read: a
// minimum vertex cut of a graph of values. It decides what a forward step keeps for its backward
// step, and where work after a loop takes over from work inside it.
#pragma once

#include <functional>
#include <vector>

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct CutProblem {
  // Values are 0 .. prices.size() - 1. One with an infinite price (kUncut) is never cut.
  static constexpr double kUncut = 1e30;
  std::vector<double> prices;
  std::vector<std::vector<int>> inputs;  // by value: what it is made of again
  std::vector<bool> source;              // by value: it cannot be made again
  std::vector<bool> read;                // by value
};

// The values to cut, ascending. Of several cheapest cuts, the one nearest to the readers. Where no
// cut of finite price exists, all values that are read and lead back to a source.
std::vector<int> min_cut(const CutProblem& problem);

}  // namespace engine
}  // namespace rw
